//! Batch files as `cmd.exe` means them, carried out on a machine of a few lines: files in a map, programs that answer
//! from a table, a clock that stands still.

use std::collections::BTreeMap;

use super::{
    ENDLESS, Entry, Interpreter, Machine, NOT_COVERED, Ran, STATEMENT_BUDGET, Start, Stop, WallTime,
};

#[derive(Default)]
struct Desk {
    files: BTreeMap<String, String>,
    /// What a program ends with and says, by its whole command line.
    programs: BTreeMap<String, (i32, String)>,
    ran: Vec<String>,
    shown: String,
}

impl Desk {
    fn full(folder: &str, path: &str) -> String {
        let path = path.trim_matches('"');
        if path.contains(':') {
            path.to_uppercase()
        } else {
            format!("{folder}\\{path}").to_uppercase()
        }
    }
}

impl Machine for Desk {
    fn now(&self) -> WallTime {
        WallTime {
            year: 2026,
            month: 11,
            day: 23,
            weekday: 1,
            hour: 9,
            minute: 5,
            second: 7,
            hundredth: 3,
        }
    }

    fn random(&self) -> u16 {
        42
    }

    fn look(&self, folder: &str, path: &str) -> (String, Option<Entry>) {
        let full = Self::full(folder, path);
        let entry = self.files.contains_key(&full).then_some(Entry::File);
        (full, entry)
    }

    fn read(&self, folder: &str, path: &str) -> Result<Vec<u8>, String> {
        self.files
            .get(&Self::full(folder, path))
            .map(|text| text.clone().into_bytes())
            .ok_or_else(|| "The system cannot find the file specified.".to_owned())
    }

    fn write(
        &mut self,
        folder: &str,
        path: &str,
        append: bool,
        bytes: &[u8],
    ) -> Result<(), String> {
        let file = self.files.entry(Self::full(folder, path)).or_default();
        if !append {
            file.clear();
        }
        file.push_str(&String::from_utf8_lossy(bytes));
        Ok(())
    }

    fn remove(&mut self, folder: &str, path: &str) -> Result<(), String> {
        self.files.remove(&Self::full(folder, path));
        Ok(())
    }

    fn make_folder(&mut self, _folder: &str, _path: &str) -> Result<(), String> {
        Ok(())
    }

    fn run(&mut self, folder: &str, program: &str, tail: &str, input: &[u8]) -> Start {
        for ending in ["", ".bat"] {
            let full = Self::full(folder, &format!("{program}{ending}"));
            if full.ends_with(".BAT") && self.files.contains_key(&full) {
                return Start::BatchFile(full);
            }
        }
        let line = format!("{}{tail}", program.to_lowercase());
        self.ran.push(line.trim().to_owned());
        if line.starts_with("cat") {
            return Start::Ran(Ran {
                code: 0,
                out: input.to_vec(),
                err: Vec::new(),
            });
        }
        match self.programs.get(line.trim()) {
            Some((code, says)) => Start::Ran(Ran {
                code: *code,
                out: says.clone().into_bytes(),
                err: Vec::new(),
            }),
            None => Start::Unknown,
        }
    }

    fn show(&mut self, out: &[u8], err: &[u8]) {
        for bytes in [out, err] {
            self.shown
                .push_str(&String::from_utf8_lossy(bytes).replace('\r', ""));
        }
    }
}

/// Runs `X.BAT` with these lines and arguments; how it ended, and the desk afterwards.
fn run_on(mut desk: Desk, lines: &str, arguments: &str) -> (Result<i32, Stop>, Desk) {
    desk.files
        .insert("C:\\S\\X.BAT".to_owned(), lines.to_owned());
    let variables = [("Greeting".to_owned(), "hello".to_owned())];
    let mut interpreter = Interpreter::new(&mut desk, "C:\\S", variables);
    let ended = interpreter.command_line(&format!("X.bat {arguments}"));
    (ended, desk)
}

fn run(lines: &str, arguments: &str) -> (Result<i32, Stop>, String) {
    let (ended, desk) = run_on(Desk::default(), lines, arguments);
    (ended, desk.shown)
}

fn shows(lines: &str, expected: &str) {
    let (ended, shown) = run(&format!("@echo off\n{lines}"), "");
    assert_eq!((ended, shown.as_str()), (Ok(0), expected), "{lines}");
}

fn answering(programs: &[(&str, i32, &str)]) -> Desk {
    let programs = programs
        .iter()
        .map(|(line, code, says)| ((*line).to_owned(), (*code, (*says).to_owned())));
    Desk {
        programs: programs.collect(),
        ..Desk::default()
    }
}

#[test]
fn variables_keep_what_stands_behind_the_equals_sign() {
    shows("set A=1 2\necho [%A%] [%a%]", "[1 2] [1 2]\n");
    shows("set \"A=x\" ignored\necho [%A%]", "[x]\n");
    shows("set A=\"quoted\"\necho %A%", "\"quoted\"\n");
    shows("set A=trailing \necho [%A%]", "[trailing ]\n");
    shows("set A=x\nset A=\nif not defined A echo gone", "gone\n");
    shows("echo %GREETING% %nobody%.", "hello .\n");
    shows(
        "set A=10.10.11.103\necho %A:~0,5% %A:~-3% %A:.=_%",
        "10.10 103 10_10_11_103\n",
    );
    shows("set /a N=2+3*4\nset /a N+=1\necho %N%", "15\n");
    shows("echo %date%%time%", "Mon 11/23/2026 9:05:07.03\n");
    shows("echo 100%%", "100%\n");
}

#[test]
fn errorlevel_means_at_least() {
    let desk = || answering(&[("two", 2, ""), ("minus", -1, ""), ("none", 0, "")]);
    let lines = "@echo off\ntwo\nif errorlevel 3 echo three\nif errorlevel 2 echo two\nif errorlevel 1 echo one\n\
                 if errorlevel 0 echo zero\nif not errorlevel 3 echo below three\nif %errorlevel%==2 echo is 2\n";
    let (_, after) = run_on(desk(), lines, "");
    assert_eq!(after.shown, "two\none\nzero\nbelow three\nis 2\n");
    let lines = "@echo off\nminus\nif errorlevel 0 echo zero\nif not errorlevel 0 echo below\nif errorlevel -1 echo -1\n";
    let (ended, after) = run_on(desk(), lines, "");
    assert_eq!((ended, after.shown.as_str()), (Ok(-1), "below\n-1\n"));
    let lines = "@echo off\ntwo\necho nothing changes\nset A=1\nrem nor does this\nif errorlevel 2 echo still\nnone\nif not errorlevel 1 echo now\n";
    let (_, after) = run_on(desk(), lines, "");
    assert_eq!(after.shown, "nothing changes\nstill\nnow\n");
}

#[test]
fn goto_finds_labels_in_any_case_before_and_behind() {
    shows(
        "set N=0\n:again\nset /a N=N+1\nif %N%==3 goto Done\nGOTO AGAIN\necho never\n:DONE  remark\necho %N%",
        "3\n",
    );
    shows("goto :eof\necho never", "");
    let (ended, shown) = run("@echo off\ngoto nowhere\necho never", "");
    assert_eq!(ended, Ok(1));
    assert_eq!(
        shown,
        "The system cannot find the batch label specified - nowhere\n"
    );
}

#[test]
fn exit_codes_are_those_of_the_last_command_or_of_exit() {
    let desk = || answering(&[("bad", 3, "")]);
    assert_eq!(run_on(desk(), "bad", "").0, Ok(3));
    assert_eq!(run_on(desk(), "bad\nexit /b", "").0, Ok(3));
    assert_eq!(run_on(desk(), "bad\nexit /b 0", "").0, Ok(0));
    assert_eq!(run_on(desk(), "exit 7\nbad", "").0, Ok(7));
    assert_eq!(run_on(desk(), "bad && exit 1\nexit/b 5", "").0, Ok(5));
    assert_eq!(run_on(desk(), "bad || exit /b 9", "").0, Ok(9));
}

#[test]
fn output_goes_where_it_is_sent() {
    let desk = answering(&[("loud", 1, "said\r\n")]);
    let lines = "@echo off\r\necho one> Out.LOG\r\necho two>>out.log\r\nloud >> out.log 2>&1\r\nloud > NUL 2>&1\r\n\
                 echo three>>\"%~dp0out.log\"\r\n>>out.log echo four 4\r\necho 5>>out.log\r\n(echo a\r\necho b) >> out.log\r\n";
    let (ended, after) = run_on(desk, lines, "");
    assert_eq!(ended, Ok(1));
    assert_eq!(after.shown, "ECHO is off.\n");
    let log = |name: &str| after.files.get(name).map(|text| text.replace('\r', ""));
    assert_eq!(
        log("C:\\S\\OUT.LOG").as_deref(),
        Some("one\ntwo\nsaid\nthree\nfour 4\na\nb\n"),
        "a digit directly before the sign is a stream, as everybody learns once"
    );
}

#[test]
fn echo_shows_what_it_is_given_and_its_own_state() {
    shows(
        "echo.\necho.x\necho(\necho  two  spaces ",
        "\nx\n\n two  spaces \n",
    );
    shows("echo", "ECHO is off.\n");
    shows("echo a ^& b ^> c \"& d\"", "a & b > c \"& d\"\n");
    let (_, shown) = run("echo hello\n@echo quiet\n@echo off\necho end", "");
    assert_eq!(shown, "\nC:\\S>echo hello\nhello\nquiet\nend\n");
}

#[test]
fn blocks_and_else_belong_together_over_lines() {
    shows(
        "if \"a\"==\"b\" (\n  echo same\n) else (\n  echo differ\n  echo indeed\n)",
        "differ\nindeed\n",
    );
    shows("if /i A==a (echo yes) else echo no", "yes\n");
    shows("if 10 GTR 9 echo numbers", "numbers\n");
    shows(
        "if exist X.BAT echo there\nif not exist y.bat echo not there",
        "there\nnot there\n",
    );
    shows(
        "for %%i in (a b \"c d\") do echo [%%~i]",
        "[a]\n[b]\n[c d]\n",
    );
    shows("for /l %%i in (3,-1,1) do (\n echo %%i\n)", "3\n2\n1\n");
    shows(
        "setlocal enabledelayedexpansion\nset N=0\nfor %%i in (a b) do (\n set /a N+=1\n echo !N! %N%\n)\nendlocal\necho [%N%]",
        "1 0\n2 0\n[]\n",
    );
}

#[test]
fn arguments_files_and_labels_are_called() {
    let (_, shown) = run(
        "@echo off\necho %0 %1 %~2 %*\nshift\necho %1\ncall :sub last words\necho back %errorlevel%\ngoto :eof\n:sub\necho %1-%2\nexit /b 4\n",
        "one \"two three\"",
    );
    assert_eq!(
        shown,
        "X.bat one two three one \"two three\"\n\"two three\"\nlast-words\nback 4\n"
    );
    let mut desk = Desk::default();
    desk.files.insert(
        "C:\\S\\OTHER.BAT".to_owned(),
        "@echo off\necho other %1\nset FROM=other\nexit /b 2".to_owned(),
    );
    let lines = "@echo off\ncall other.bat x\necho %FROM% %errorlevel%\nother y\necho never";
    let (ended, after) = run_on(desk, lines, "");
    assert_eq!(ended, Ok(2));
    assert_eq!(after.shown, "other x\nother 2\nother y\n");
}

#[test]
fn a_pipe_hands_output_on() {
    let desk = answering(&[("ping -n 1 host", 0, "Reply\r\n")]);
    let (ended, after) = run_on(desk, "@ping -n 1 host | cat", "");
    assert_eq!((ended, after.shown.as_str()), (Ok(0), "Reply\n"));
}

#[test]
fn a_line_that_is_not_covered_is_named_and_ends_the_script() {
    for (lines, line, text) in [
        (
            "@echo off\r\nwmic nic get name\r\necho never",
            2,
            "wmic nic get name",
        ),
        (
            "@for /f %%i in (x) do echo %%i",
            1,
            "@for /f %%i in (x) do echo %%i",
        ),
        ("@echo off\n\n(echo open", 3, "(echo open"),
        ("@echo off\nif a ~ b echo x", 2, "if a ~ b echo x"),
    ] {
        let (ended, shown) = run(lines, "");
        let Err(stop @ Stop::NotCovered { .. }) = &ended else {
            panic!("{lines}: {ended:?}");
        };
        assert_eq!(stop.code(), NOT_COVERED);
        let text = format!("X.bat:{line}: `{text}`: ");
        assert!(stop.to_string().starts_with(&text), "{stop}");
        assert!(!shown.contains("never"), "{shown}");
    }
}

#[test]
fn an_endless_loop_is_bounded_and_named() {
    let (ended, _) = run("@echo off\nset A=xx\n:again\nset A=%A%%A%\ngoto again", "");
    assert!(
        matches!(ended, Err(Stop::NotCovered { .. })),
        "a line that doubles"
    );
    for lines in [
        "@echo off\n:again\ngoto again",
        "@echo off\n:again\ncall :again",
        "@for /l %%i in (1,0,2) do @rem",
    ] {
        let (ended, _) = run(lines, "");
        let Err(stop @ Stop::Endless { .. }) = &ended else {
            panic!("{lines}: {ended:?}");
        };
        assert_eq!(stop.code(), ENDLESS);
        assert!(
            stop.to_string().contains(&STATEMENT_BUDGET.to_string()),
            "{stop}"
        );
    }
}

#[test]
fn no_text_makes_the_interpreter_stumble() {
    let odd = "%~ %1% %% !x ^ & | ( ) > < \" '' @ : :: := if for in do else rem \u{1a} é \t ^^ >>";
    let pieces: Vec<&str> = odd.split(' ').collect();
    for first in &pieces {
        for second in &pieces {
            for third in ["", "(", "x", "\"", ">"] {
                let lines = format!("@{first} {second}{third}\n{second}\n");
                // However it ends, it ends.
                let (ended, _) = run(&lines, "a");
                assert!(ended.is_ok() || ended.is_err());
            }
        }
    }
}
