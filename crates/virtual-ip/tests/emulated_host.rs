//! The kernel's `vipctl` on an emulated host: it must not touch the machine that plays the site.

use std::process::Command;

#[test]
fn on_an_emulated_host_the_kernels_vipctl_does_nothing_and_says_why() {
    for verb in ["up", "down", "show"] {
        let output = Command::new(env!("CARGO_BIN_EXE_vipctl"))
            .args([verb, "198.51.100.7/32", "--interface", "lo"])
            .env("CHANGEOVER_NETWORK", "/nowhere")
            .output()
            .expect("the binary runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{verb}: {said}");
        assert!(said.contains("nothing was done"), "{verb}: {said}");
    }
}
