fn main() {
    let mut args = std::env::args().skip(1);
    let file = args.next().unwrap();
    let faults: usize = args.next().unwrap().parse().unwrap();
    let secs: u64 = args.next().unwrap().parse().unwrap();
    let text = std::fs::read_to_string(&file).unwrap();
    let loaded = changeover_configuration::load(&file, &text)
        .map_err(|e| e.to_string())
        .unwrap();
    changeover_proof::trial(
        &loaded.environment,
        faults,
        2,
        std::time::Duration::from_secs(secs),
    );
}
