//! VBScript helpers on a host of a few lines: programs that answer from a table, one adapter.

use std::time::Duration;

use super::{Query, Record, Script, ScriptHost, Value, run};
use crate::batch::Stop;

#[derive(Default)]
struct Desk {
    said: Vec<String>,
    ran: Vec<String>,
    asked: Vec<Query>,
    slept: Duration,
}

impl ScriptHost for Desk {
    fn execute(&mut self, line: &str) -> Result<(i32, String, String), String> {
        self.ran.push(line.to_owned());
        if line.contains("10.10.11.103") {
            let text = "\r\nPinging\r\nReply from 10.10.11.103: bytes=32 time<1ms TTL=128\r\n";
            Ok((0, text.to_owned(), String::new()))
        } else {
            Ok((1, "Request timed out.\r\n".to_owned(), "oops".to_owned()))
        }
    }

    fn query(&mut self, query: &Query) -> Result<Vec<Record>, String> {
        self.asked.push(query.clone());
        let addresses = ["10.10.11.102", "10.10.11.103"].map(Value::text);
        let adapter = [
            ("ipaddress", Value::Array(addresses.into())),
            ("description", Value::text("LAN")),
        ];
        let without = [("ipaddress", Value::Null)];
        let record = |properties: &[(&str, Value)]| {
            let named = properties.iter();
            named
                .map(|(name, value)| ((*name).to_owned(), value.clone()))
                .collect()
        };
        Ok(vec![record(&without), record(&adapter)])
    }

    fn computer_name(&self) -> String {
        "HOST2".to_owned()
    }

    fn now(&self) -> (String, String) {
        ("11/23/2026".to_owned(), "9:05:07 AM".to_owned())
    }

    fn say(&mut self, line: &str) {
        self.said.push(line.to_owned());
    }

    fn complain(&mut self, line: &str) {
        self.said.push(format!("! {line}"));
    }

    fn sleep(&mut self, time: Duration) {
        self.slept += time;
    }
}

fn on_a_desk(text: &str, arguments: &[&str]) -> (Result<i32, Stop>, Desk) {
    let mut desk = Desk::default();
    let script = Script {
        file: "helper.vbs".to_owned(),
        text: text.to_owned(),
        arguments: arguments.iter().map(|one| (*one).to_owned()).collect(),
    };
    let ended = run(&mut desk, &script);
    (ended, desk)
}

fn says(text: &str, expected: &[&str]) {
    let (ended, desk) = on_a_desk(text, &["10.10.11.103", "second"]);
    assert_eq!(ended, Ok(0), "{text}");
    assert_eq!(desk.said, expected, "{text}");
}

#[test]
fn a_ping_helper_ends_with_what_it_saw() {
    let helper = "Dim objShell, objExec, strText\r\n\
        If WScript.Arguments.Count = 0 Then\r\n  WScript.Quit -1\r\nEnd If\r\n\
        Set objShell = CreateObject(\"WScript.Shell\")\r\n\
        Set objExec = objShell.Exec(\"ping -n 2 -w 1000 \" & _\r\n    WScript.Arguments.Item(0))\r\n\
        strText = LCase(objExec.StdOut.ReadAll)\r\n\
        If InStr(strText, \"reply from\") Then\r\n  WScript.Quit 1\r\nElse\r\n  WScript.Quit(0)\r\nEnd If\r\n";
    let (ended, desk) = on_a_desk(helper, &["10.10.11.103"]);
    assert_eq!(ended, Ok(1));
    assert_eq!(desk.ran, ["ping -n 2 -w 1000 10.10.11.103"]);
    assert_eq!(on_a_desk(helper, &["10.10.11.9"]).0, Ok(0));
    assert_eq!(on_a_desk(helper, &[]).0, Ok(-1));
}

#[test]
fn an_address_helper_asks_wmi_and_passes_over_adapters_without_one() {
    let helper = "On Error Resume Next\n\
        strComputer = WScript.Arguments(0)\nstrIP = WScript.Arguments(1)\n\
        Set objWMI = GetObject(\"winmgmts:\" & \"{impersonationLevel=impersonate}!\\\\\" & strComputer & \"\\root\\cimv2\")\n\
        Set colItems = objWMI.ExecQuery(\"SELECT * FROM Win32_NetworkAdapterConfiguration WHERE IPEnabled = True\",,48)\n\
        For Each objItem in colItems\n\
          For Each ip In objItem.IPAddress\n    If InStr(ip, strIP) > 0 Then WScript.Quit 1\n  Next\n\
        Next\nWScript.Quit 0\n";
    let (ended, desk) = on_a_desk(helper, &[".", "10.10.11.10"]);
    assert_eq!(
        ended,
        Ok(1),
        "a part of an address is found too, as the guide's helper does"
    );
    assert_eq!(
        desk.asked,
        [Query {
            computer: ".".to_owned(),
            class: "win32_networkadapterconfiguration".to_owned(),
            conditions: vec![("ipenabled".to_owned(), "True".to_owned())],
        }]
    );
    assert_eq!(on_a_desk(helper, &[".", "192.168.1.1"]).0, Ok(0));
}

#[test]
fn the_language_is_what_helpers_need_of_it() {
    says(
        "WScript.Echo 1 + 2 * 3, \"a\" & 1, 7 \\ 2, 7 Mod 4, -2",
        &["7 a1 3 3 -2"],
    );
    says(
        "If \"a\" = \"A\" Then\nWScript.Echo 1\nElseIf 2 > 1 And Not False Then\nWScript.Echo 2\nEnd If",
        &["2"],
    );
    says(
        "For i = 3 To 1 Step -1\nIf i = 1 Then Exit For\nWScript.Echo i\nNext",
        &["3", "2"],
    );
    says("Do While x < 3\nx = x + 1\nLoop\nWScript.Echo x", &["3"]);
    says(
        "a = Split(\"x,y\", \",\")\nWScript.Echo UBound(a), a(1), Join(a, \"-\")",
        &["1 y x-y"],
    );
    says(
        "WScript.Echo Mid(\"abcdef\", 2, 3), Left(\"abc\", 2), Right(\"abc\", 1), Len(\"abc\"), UCase(\"x\"), Trim(\"  x \")",
        &["bcd ab c 3 X x"],
    );
    says(
        "Function Twice(n)\nTwice = n * 2\nEnd Function\nWScript.Echo Twice(4)",
        &["8"],
    );
    says(
        "Sub Say(text)\nWScript.Echo text\nEnd Sub\nSay \"x\"\nCall Say(\"y\")",
        &["x", "y"],
    );
    says(
        "Select Case LCase(\"UP\")\nCase \"down\"\nWScript.Echo 0\nCase \"up\", \"on\"\nWScript.Echo 1\nCase Else\nWScript.Echo 2\nEnd Select",
        &["1"],
    );
    says(
        "For Each a In WScript.Arguments\nWScript.Echo a\nNext",
        &["10.10.11.103", "second"],
    );
    says(
        "x = Empty\nIf IsNull(Null) And IsEmpty(x) Then WScript.Echo Replace(\"a.b\", \".\", vbTab)",
        &["a\tb"],
    );
    says(
        "Set e = CreateObject(\"WScript.Shell\").Exec(\"nobody\")\nWScript.Echo e.ExitCode, e.StdErr.ReadAll",
        &["1 oops"],
    );
    says("WScript.Echo Now", &["11/23/2026 9:05:07 AM"]);
}

#[test]
fn errors_end_a_script_unless_it_goes_on_by_itself() {
    let text = "WScript.Echo 1\nx = CInt(\"no number\")\nWScript.Echo 2";
    says(
        text,
        &[
            "1",
            "! helper.vbs(2, 1) Microsoft VBScript runtime error (13): Type mismatch",
        ],
    );
    let text = "On Error Resume Next\nx = CInt(\"no number\")\nWScript.Echo Err.Number, Err.Description\nErr.Clear\nWScript.Echo Err.Number";
    says(text, &["13 Type mismatch", "0"]);
    says(
        "On Error Resume Next\nOn Error GoTo 0\nx = 1 / 0",
        &["! helper.vbs(3, 1) Microsoft VBScript runtime error (11): Division by zero"],
    );
}

#[test]
fn what_is_outside_the_subset_is_named_with_file_and_line() {
    for (text, line, what) in [
        (
            "x = 1\nSet d = CreateObject(\"ADODB.Connection\")",
            2,
            "the object `ADODB.Connection`",
        ),
        (
            "\n\nx = DateAdd(\"d\", 1, Now)",
            3,
            "the function `DateAdd`",
        ),
        (
            "x = 1\nIf x = 1 Then\n  WScript.Echo Foo(\nEnd If",
            3,
            "it cannot be read as VBScript",
        ),
        (
            "On Error Resume Next\nSet f = CreateObject(\"Scripting.FileSystemObject\")",
            2,
            "Scripting.FileSystemObject",
        ),
        ("Class A\nEnd Class", 1, "classes"),
    ] {
        let (ended, _) = on_a_desk(text, &[]);
        let Err(Stop::NotCovered { place, why }) = &ended else {
            panic!("{text}: {ended:?}");
        };
        assert_eq!(
            (place.file.as_str(), place.line),
            ("helper.vbs", line),
            "{text}: {why}"
        );
        assert!(why.contains(what), "{text}: {why}");
    }
}

#[test]
fn a_text_that_doubles_runs_out_of_room() {
    let text = "s = \"x\"\nDo\ns = s & s\nLoop";
    says(
        text,
        &["! helper.vbs(3, 1) Microsoft VBScript runtime error (14): Out of string space"],
    );
}

#[test]
fn an_endless_loop_is_bounded() {
    for text in [
        "Do\nLoop",
        "While True\nx = 1\nWend",
        "Sub A\nA\nEnd Sub\nA",
    ] {
        let (ended, _) = on_a_desk(text, &[]);
        assert!(
            matches!(ended, Err(Stop::Endless { .. })),
            "{text}: {ended:?}"
        );
    }
}
