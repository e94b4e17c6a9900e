//! Owns the objects that helpers ask for: `WScript` and what hangs from it, `WScript.Shell` with the programs it
//! runs, `WScript.Network`, and WMI with its collections. Property and method names are found in any case.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use super::interpreter::Interpreter;
use super::value::{Object, Ran};
use super::{Done, Query, ScriptHost, Trouble, Value, not_covered, runtime};

/// The longest `WScript.Sleep`.
const LONGEST_SLEEP: i64 = 86_400_000;

impl<H: ScriptHost> Interpreter<'_, H> {
    pub(super) fn create_object(&mut self, args: &[Value]) -> Done<Value> {
        let name = match args.first() {
            Some(name) => name.shown()?,
            None => String::new(),
        };
        match name.to_lowercase().as_str() {
            "wscript.shell" => Ok(Value::Object(Object::Shell)),
            "wscript.network" => Ok(Value::Object(Object::Network)),
            "wbemscripting.swbemlocator" => Ok(Value::Object(Object::Wmi(String::new()))),
            _ => not_covered(format!("the object `{name}`")),
        }
    }

    pub(super) fn get_object(&mut self, args: &[Value]) -> Done<Value> {
        let name = match args.first() {
            Some(name) => name.shown()?,
            None => String::new(),
        };
        let lower = name.to_lowercase();
        let Some(moniker) = lower.strip_prefix("winmgmts:") else {
            return not_covered(format!("the object `{name}`"));
        };
        let path = moniker.rsplit_once('!').map_or(moniker, |(_, path)| path);
        let path = if path.starts_with('{') { "" } else { path };
        let computer = path
            .trim_start_matches(['\\', '/'])
            .split(['\\', '/'])
            .next()
            .unwrap_or_default();
        let local = !path.starts_with(['\\', '/']) || computer.is_empty();
        Ok(Value::Object(Object::Wmi(
            if local { "." } else { computer }.to_owned(),
        )))
    }

    /// A property or method of a value.
    pub(super) fn member(&mut self, base: &Value, name: &str, args: Vec<Value>) -> Done<Value> {
        let lower = name.to_lowercase();
        let Value::Object(object) = base else {
            return runtime(424, format!("Object required: '{name}'"));
        };
        let found = match object {
            Object::Nothing => return runtime(91, "Object variable not set"),
            Object::WScript => self.wscript(&lower, &args)?,
            Object::Arguments => self.argument_list(&lower, &args)?,
            Object::Shell => self.shell(&lower, &args)?,
            Object::Network => match lower.as_str() {
                "computername" => Some(Value::Text(self.host.computer_name())),
                _ => None,
            },
            Object::Err => self.error_object(&lower, &args)?,
            Object::Exec(ran) => match lower.as_str() {
                "stdout" => Some(Value::Object(Object::Stream(Rc::clone(ran), false))),
                "stderr" => Some(Value::Object(Object::Stream(Rc::clone(ran), true))),
                "exitcode" => Some(Value::Int(ran.code)),
                // It has ended by the time it can be asked.
                "status" => Some(Value::Int(1)),
                "processid" => Some(Value::Int(4)),
                "terminate" => Some(Value::Empty),
                _ => None,
            },
            Object::Stream(ran, errors) => stream(ran, *errors, &lower, &args)?,
            Object::Wmi(computer) => self.wmi(computer, &lower, &args)?,
            Object::Collection(items) => match lower.as_str() {
                "count" => Some(Value::Int(i64::try_from(items.len()).unwrap_or(i64::MAX))),
                "item" | "itemindex" => Some(self.index(base, &args)?),
                _ => None,
            },
            Object::Record(record) => match record.get(&lower) {
                Some(value) if args.is_empty() => Some(value.clone()),
                Some(value) => Some(self.index(&value.clone(), &args)?),
                None => None,
            },
        };
        match found {
            Some(value) => Ok(value),
            None => not_covered(format!("`{name}` of this object")),
        }
    }

    fn wscript(&mut self, name: &str, args: &[Value]) -> Done<Option<Value>> {
        Ok(Some(match name {
            "echo" => {
                let words = args.iter().map(Value::shown).collect::<Done<Vec<_>>>()?;
                self.host.say(&words.join(" "));
                Value::Empty
            }
            "quit" => {
                let code = match args.first() {
                    Some(code) => code.whole()?,
                    None => 0,
                };
                let code = i32::try_from(code).unwrap_or(1);
                return Err(Trouble::Quit(code));
            }
            "sleep" => {
                let time = match args.first() {
                    Some(time) => time.whole()?.clamp(0, LONGEST_SLEEP),
                    None => 0,
                };
                let time = Duration::from_millis(u64::try_from(time).unwrap_or(0));
                self.host.sleep(time);
                Value::Empty
            }
            "arguments" if args.is_empty() => Value::Object(Object::Arguments),
            "arguments" => self.index(&Value::Object(Object::Arguments), args)?,
            "createobject" => self.create_object(args)?,
            "scriptname" => {
                let file = self.file();
                let name = file.rsplit(['\\', '/']).next().unwrap_or(file);
                Value::text(name)
            }
            "scriptfullname" => Value::text(self.file()),
            "name" => Value::text("Windows Script Host"),
            "version" => Value::text("5.6"),
            "interactive" => Value::Bool(false),
            "stdout" | "stderr" => {
                let ran = Ran {
                    code: 0,
                    left: RefCell::default(),
                };
                // Writing goes to the console; there is nothing to read.
                Value::Object(Object::Stream(Rc::new(ran), name == "stderr"))
            }
            _ => return Ok(None),
        }))
    }

    fn argument_list(&mut self, name: &str, args: &[Value]) -> Done<Option<Value>> {
        Ok(Some(match name {
            "count" | "length" => {
                Value::Int(i64::try_from(self.arguments.len()).unwrap_or(i64::MAX))
            }
            "item" => self.index(&Value::Object(Object::Arguments), args)?,
            "unnamed" if args.is_empty() => {
                let unnamed = self.arguments.iter().filter(|one| !one.starts_with('/'));
                Value::Object(Object::Collection(Rc::new(
                    unnamed.map(Value::text).collect(),
                )))
            }
            _ => return Ok(None),
        }))
    }

    fn shell(&mut self, name: &str, args: &[Value]) -> Done<Option<Value>> {
        let line = |args: &[Value]| match args.first() {
            Some(line) => line.shown(),
            None => runtime(
                450,
                "Wrong number of arguments or invalid property assignment",
            ),
        };
        Ok(Some(match name {
            "exec" => {
                let (code, out, err) = self.execute(&line(args)?)?;
                Value::Object(Object::Exec(Rc::new(Ran {
                    code: i64::from(code),
                    left: RefCell::new((out, err)),
                })))
            }
            "run" => {
                let (code, _, _) = self.execute(&line(args)?)?;
                let waits = match args.get(2) {
                    Some(waits) => waits.holds()?,
                    None => false,
                };
                Value::Int(if waits { i64::from(code) } else { 0 })
            }
            "expandenvironmentstrings" => {
                let text = line(args)?;
                if text.contains('%') && !text.eq_ignore_ascii_case("%computername%") {
                    return not_covered(format!("the variable in `{text}`"));
                }
                Value::Text(text.replace("%COMPUTERNAME%", &self.host.computer_name()))
            }
            _ => return Ok(None),
        }))
    }

    fn execute(&mut self, line: &str) -> Done<(i32, String, String)> {
        self.host.execute(line).map_err(Trouble::NotCovered)
    }

    fn error_object(&mut self, name: &str, args: &[Value]) -> Done<Option<Value>> {
        Ok(Some(match name {
            "number" => Value::Int(self.error.0),
            "description" => Value::text(self.error.1.as_str()),
            "source" => Value::text("Microsoft VBScript runtime error"),
            "clear" => {
                self.error = (0, String::new());
                Value::Empty
            }
            "raise" => {
                let number = match args.first() {
                    Some(number) => number.whole()?,
                    None => 5,
                };
                let text = match args.get(2) {
                    Some(text) => text.shown()?,
                    None => "Unknown runtime error".to_owned(),
                };
                return runtime(number, text);
            }
            _ => return Ok(None),
        }))
    }

    fn wmi(&mut self, computer: &str, name: &str, args: &[Value]) -> Done<Option<Value>> {
        let text = match args.first() {
            Some(text) => text.shown()?,
            None => String::new(),
        };
        let query = match name {
            "execquery" => query(computer, &text)?,
            "instancesof" => Query {
                computer: computer.to_owned(),
                class: text.to_lowercase(),
                conditions: Vec::new(),
            },
            "connectserver" => {
                let computer = if text.is_empty() { "." } else { &text };
                return Ok(Some(Value::Object(Object::Wmi(computer.to_lowercase()))));
            }
            _ => return Ok(None),
        };
        let records = self.host.query(&query).map_err(Trouble::NotCovered)?;
        let items = records
            .into_iter()
            .map(|record| Value::Object(Object::Record(Rc::new(record))));
        Ok(Some(Value::Object(Object::Collection(Rc::new(
            items.collect(),
        )))))
    }
}

fn stream(ran: &Rc<Ran>, errors: bool, name: &str, _args: &[Value]) -> Done<Option<Value>> {
    let mut both = ran.left.borrow_mut();
    let left = if errors { &mut both.1 } else { &mut both.0 };
    Ok(Some(match name {
        "readall" => Value::Text(std::mem::take(left)),
        "readline" => {
            if left.is_empty() {
                return runtime(62, "Input past end of file");
            }
            let (line, rest) = match left.split_once('\n') {
                Some((line, rest)) => (line.trim_end_matches('\r').to_owned(), rest.to_owned()),
                None => (left.clone(), String::new()),
            };
            *left = rest;
            Value::Text(line)
        }
        "atendofstream" => Value::Bool(left.is_empty()),
        "close" => Value::Empty,
        _ => return Ok(None),
    }))
}

/// `Select … From CLASS [Where A = 'x' [And B = TRUE]]`
fn query(computer: &str, text: &str) -> Done<Query> {
    let folded = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let lower = folded.to_lowercase();
    let Some(from) = lower.find(" from ") else {
        return not_covered(format!("the query `{text}`"));
    };
    let rest = folded.get(from + 6..).unwrap_or_default();
    let rest_lower = rest.to_lowercase();
    let (class, conditions) = match rest_lower.find(" where ") {
        Some(place) => (
            rest.get(..place).unwrap_or_default(),
            rest.get(place + 7..).unwrap_or_default(),
        ),
        None => (rest, ""),
    };
    let mut read = Vec::new();
    for condition in split_and(conditions) {
        let Some((name, value)) = condition.split_once('=') else {
            return not_covered(format!("the condition `{condition}` of a query"));
        };
        if name.contains(['<', '>', '!']) || condition.to_lowercase().contains(" or ") {
            return not_covered(format!("the condition `{condition}` of a query"));
        }
        let value = value.trim().trim_matches(['\'', '"']);
        read.push((name.trim().to_lowercase(), value.to_owned()));
    }
    Ok(Query {
        computer: computer.to_owned(),
        class: class.trim().to_lowercase(),
        conditions: read,
    })
}

fn split_and(text: &str) -> Vec<String> {
    let lower = text.to_lowercase();
    let mut parts = Vec::new();
    let mut begun = 0;
    while let Some(found) = lower.get(begun..).and_then(|rest| rest.find(" and ")) {
        parts.push(
            text.get(begun..begun + found)
                .unwrap_or_default()
                .to_owned(),
        );
        begun += found + 5;
    }
    parts.push(text.get(begun..).unwrap_or_default().to_owned());
    parts.retain(|part| !part.trim().is_empty());
    parts
}
