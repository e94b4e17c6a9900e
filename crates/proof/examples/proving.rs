fn main() {
    let mut args = std::env::args().skip(1);
    let file = args.next().unwrap();
    let faults: usize = args.next().unwrap().parse().unwrap();
    let text = std::fs::read_to_string(&file).unwrap();
    let loaded = changeover_configuration::load(&file, &text)
        .map_err(|e| e.to_string())
        .unwrap();
    let o = changeover_proof::Options {
        faults,
        ..Default::default()
    };
    let p = changeover_proof::prove(&loaded.environment, &o, &|_| {});
    print!("{}", changeover_proof::text(&p));
}
