//! Owns how a script is carried out: statements in order, variables and procedures, errors that are passed over after
//! `On Error Resume Next`, and the bound on statements.

use std::collections::BTreeMap;
use std::rc::Rc;

use vbscript::lexer::LineIndex;
use vbscript::parser::Parser;
use vbscript::parser::ast::{
    Argument, DoLoopCheck, DoLoopCondition, ErrorClause, Expr, ExprKind, FullIdent, ItemKind, Lit,
    SetRhs, Stmt, StmtKind, VarDecl,
};

use super::value::{Object, order};
use super::{
    Done, STATEMENT_BUDGET, ScriptHost, Trouble, Value, not_covered, runtime, type_mismatch,
};
use crate::batch::{Place, Stop};

/// Procedures that call each other.
const DEEPEST: usize = 64;

/// A script and how it was called.
#[derive(Debug, Clone)]
pub(crate) struct Script {
    /// For people.
    pub(crate) file: String,
    pub(crate) text: String,
    pub(crate) arguments: Vec<String>,
}

/// Runs a script; its exit code. A runtime error that nobody takes ends it with 0, as `cscript` does: such exit codes
/// prove nothing.
///
/// # Errors
/// When it came to something that is not covered, or did not end.
pub(crate) fn run<H: ScriptHost>(host: &mut H, script: &Script) -> Result<i32, Stop> {
    let items = match Parser::new(&script.text).file() {
        Ok(items) => items,
        Err(error) => {
            return Err(Stop::NotCovered {
                place: place(script, error.line()),
                why: format!("it cannot be read as VBScript: {}", error.message()),
            });
        }
    };
    let mut interpreter = Interpreter {
        host,
        arguments: &script.arguments,
        script,
        globals: BTreeMap::new(),
        procedures: BTreeMap::new(),
        frames: Vec::new(),
        resume: false,
        explicit: false,
        error: (0, String::new()),
        within: Vec::new(),
        spent: 0,
        at: 0,
    };
    let done = interpreter.items(&items);
    let line = LineIndex::new(&script.text).line_column(interpreter.at).0;
    match done {
        Ok(()) => Ok(0),
        Err(Trouble::Quit(code)) => Ok(code),
        Err(Trouble::Runtime(number, text)) => {
            interpreter.host.complain(&format!(
                "{}({line}, 1) Microsoft VBScript runtime error ({number}): {text}",
                script.file
            ));
            Ok(0)
        }
        Err(Trouble::NotCovered(why)) => Err(Stop::NotCovered {
            place: place(script, line),
            why,
        }),
        Err(Trouble::Endless) => Err(Stop::Endless {
            place: place(script, line),
        }),
    }
}

fn place(script: &Script, line: usize) -> Place {
    Place {
        file: script.file.clone(),
        line,
        text: script
            .text
            .lines()
            .nth(line.saturating_sub(1))
            .unwrap_or_default()
            .to_owned(),
    }
}

/// A Sub or Function.
pub(super) struct Procedure {
    name: String,
    parameters: Vec<Argument>,
    body: Vec<Stmt>,
}

/// Variables of a procedure that runs.
#[derive(Default)]
pub(super) struct Frame {
    pub(super) locals: BTreeMap<String, Value>,
}

/// How a run of statements ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flow {
    On,
    ExitFor,
    ExitDo,
    ExitProcedure,
}

pub(super) struct Interpreter<'a, H: ScriptHost> {
    pub(super) host: &'a mut H,
    pub(super) arguments: &'a [String],
    script: &'a Script,
    pub(super) globals: BTreeMap<String, Value>,
    pub(super) procedures: BTreeMap<String, Rc<Procedure>>,
    pub(super) frames: Vec<Frame>,
    /// `On Error Resume Next` where it stands.
    resume: bool,
    pub(super) explicit: bool,
    /// `Err`
    pub(super) error: (i64, String),
    /// Objects of `With`.
    pub(super) within: Vec<Value>,
    spent: u32,
    /// Where in the text the statement stands.
    at: u32,
}

impl<H: ScriptHost> Interpreter<'_, H> {
    fn items(&mut self, items: &[vbscript::parser::ast::Item]) -> Done<()> {
        // Procedures are known before the first statement, wherever they stand.
        for item in items {
            self.at = item.span.start;
            if let ItemKind::Statement(statement) = &item.node {
                self.declare(statement);
            }
        }
        for item in items {
            self.at = item.span.start;
            match &item.node {
                ItemKind::OptionExplicit => self.explicit = true,
                ItemKind::Class { .. } => return not_covered("classes"),
                ItemKind::Const { values, .. } => self.constants(values)?,
                ItemKind::Variable { vars, .. } => self.dim(vars),
                ItemKind::Statement(statement) => {
                    self.statement(statement)?;
                }
            }
        }
        Ok(())
    }

    fn declare(&mut self, statement: &Stmt) {
        if let StmtKind::Sub {
            name,
            parameters,
            body,
            ..
        }
        | StmtKind::Function {
            name,
            parameters,
            body,
            ..
        } = &statement.node
        {
            let procedure = Procedure {
                name: name.to_lowercase(),
                parameters: parameters.clone(),
                body: body.clone(),
            };
            self.procedures
                .insert(name.to_lowercase(), Rc::new(procedure));
        }
    }

    fn body(&mut self, statements: &[Stmt]) -> Done<Flow> {
        for statement in statements {
            let flow = self.statement(statement)?;
            if flow != Flow::On {
                return Ok(flow);
            }
        }
        Ok(Flow::On)
    }

    /// One statement; an error is remembered instead where the script asked for that.
    fn statement(&mut self, statement: &Stmt) -> Done<Flow> {
        self.at = statement.span.start;
        self.spent += 1;
        if self.spent > STATEMENT_BUDGET {
            return Err(Trouble::Endless);
        }
        match self.carry_out(statement) {
            Err(Trouble::Runtime(number, text)) if self.resume => {
                self.error = (number, text);
                // A condition that fails goes into its first branch.
                if let StmtKind::IfStmt { body, .. } = &statement.node {
                    return self.body(body);
                }
                Ok(Flow::On)
            }
            done => done,
        }
    }

    fn carry_out(&mut self, statement: &Stmt) -> Done<Flow> {
        match &statement.node {
            StmtKind::Dim { vars } => self.dim(vars),
            StmtKind::ReDim { preserve, vars } => {
                for var in vars {
                    self.redim(*preserve, &var.name, &var.bounds)?;
                }
            }
            StmtKind::Const(values) => self.constants(values)?,
            StmtKind::Set { var, rhs } => {
                let value = match rhs {
                    SetRhs::Nothing => Value::Object(Object::Nothing),
                    SetRhs::Expr(expr) => self.value(expr)?,
                };
                if !matches!(value, Value::Object(_)) {
                    return runtime(424, "Object required");
                }
                self.assign(var, value)?;
            }
            StmtKind::Assignment { full_ident, value } => {
                let value = self.value(value)?;
                self.assign(full_ident, value)?;
            }
            StmtKind::SubCall { fn_name, args } => {
                self.call_statement(&fn_name.0, args)?;
            }
            StmtKind::Call(callee) => {
                self.value(&callee.0)?;
            }
            StmtKind::OnError { error_clause } => match error_clause {
                ErrorClause::ResumeNext => self.resume = true,
                ErrorClause::Goto0 => {
                    self.resume = false;
                    self.error = (0, String::new());
                }
            },
            StmtKind::Sub { .. } | StmtKind::Function { .. } | StmtKind::Stop => {}
            StmtKind::ExitDo => return Ok(Flow::ExitDo),
            StmtKind::ExitFor => return Ok(Flow::ExitFor),
            StmtKind::ExitFunction | StmtKind::ExitSub => return Ok(Flow::ExitProcedure),
            StmtKind::ExitProperty => return not_covered("properties"),
            StmtKind::IfStmt { .. } | StmtKind::SelectCase { .. } => {
                return self.choice(&statement.node);
            }
            StmtKind::WhileStmt { .. }
            | StmtKind::ForStmt { .. }
            | StmtKind::ForEachStmt { .. }
            | StmtKind::DoLoop { .. } => return self.repetition(&statement.node),
            StmtKind::With { object, body } => {
                let object = self.value(&object.0)?;
                self.within.push(object);
                let flow = self.body(body);
                self.within.pop();
                return flow;
            }
        }
        Ok(Flow::On)
    }

    fn choice(&mut self, statement: &StmtKind) -> Done<Flow> {
        match statement {
            StmtKind::IfStmt {
                condition,
                body,
                elseif_statements,
                else_stmt,
            } => {
                if self.value(condition)?.holds()? {
                    return self.body(body);
                }
                for (condition, body) in elseif_statements {
                    if self.value(condition)?.holds()? {
                        return self.body(body);
                    }
                }
                self.body(else_stmt.as_deref().unwrap_or_default())
            }
            StmtKind::SelectCase {
                test_expr,
                cases,
                else_stmt,
            } => {
                let tested = self.value(test_expr)?;
                for case in cases {
                    for test in &case.tests {
                        let wanted = self.value(test)?;
                        if order(&tested, &wanted)?.is_some_and(std::cmp::Ordering::is_eq) {
                            return self.body(&case.body);
                        }
                    }
                }
                self.body(else_stmt.as_deref().unwrap_or_default())
            }
            _ => Ok(Flow::On),
        }
    }

    fn repetition(&mut self, statement: &StmtKind) -> Done<Flow> {
        match statement {
            StmtKind::WhileStmt { condition, body } => {
                while self.again(condition)? {
                    let flow = self.body(body)?;
                    if flow != Flow::On {
                        return Ok(flow);
                    }
                }
                Ok(Flow::On)
            }
            StmtKind::ForStmt {
                counter,
                start,
                end,
                step,
                body,
            } => {
                let mut number = self.value(start)?.whole()?;
                let end = self.value(end)?.whole()?;
                let step = match step {
                    Some(step) => self.value(step)?.whole()?,
                    None => 1,
                };
                while (step >= 0 && number <= end) || (step < 0 && number >= end) {
                    self.spend()?;
                    self.put(counter, Value::Int(number));
                    match self.body(body)? {
                        Flow::On => {}
                        Flow::ExitFor => return Ok(Flow::On),
                        other => return Ok(other),
                    }
                    number = number.saturating_add(step);
                }
                Ok(Flow::On)
            }
            StmtKind::ForEachStmt {
                element,
                group,
                body,
            } => {
                let group = match self.value(group)? {
                    Value::Array(items) => items,
                    Value::Object(Object::Collection(items)) => items.as_ref().clone(),
                    Value::Object(Object::Arguments) => {
                        self.arguments.iter().map(Value::text).collect()
                    }
                    _ => return runtime(451, "Object not a collection"),
                };
                for item in group {
                    self.spend()?;
                    self.put(element, item);
                    match self.body(body)? {
                        Flow::On => {}
                        Flow::ExitFor => return Ok(Flow::On),
                        other => return Ok(other),
                    }
                }
                Ok(Flow::On)
            }
            StmtKind::DoLoop { check, body } => self.do_loop(check, body),
            _ => Ok(Flow::On),
        }
    }

    fn do_loop(&mut self, check: &DoLoopCheck, body: &[Stmt]) -> Done<Flow> {
        loop {
            self.spend()?;
            if let DoLoopCheck::Pre(condition) = check
                && !self.goes_on(condition)?
            {
                return Ok(Flow::On);
            }
            match self.body(body)? {
                Flow::On => {}
                Flow::ExitDo => return Ok(Flow::On),
                other => return Ok(other),
            }
            if let DoLoopCheck::Post(condition) = check
                && !self.goes_on(condition)?
            {
                return Ok(Flow::On);
            }
        }
    }

    fn goes_on(&mut self, condition: &DoLoopCondition) -> Done<bool> {
        match condition {
            DoLoopCondition::While(condition) => self.value(condition)?.holds(),
            DoLoopCondition::Until(condition) => Ok(!self.value(condition)?.holds()?),
        }
    }

    fn again(&mut self, condition: &Expr) -> Done<bool> {
        self.spend()?;
        self.value(condition)?.holds()
    }

    fn spend(&mut self) -> Done<()> {
        self.spent += 1;
        if self.spent > STATEMENT_BUDGET {
            return Err(Trouble::Endless);
        }
        Ok(())
    }

    fn dim(&mut self, vars: &[VarDecl]) {
        for var in vars {
            let value = match &var.bounds {
                None => Value::Empty,
                Some(bounds) => {
                    let size = bounds.first().map_or(0, |bound| bound + 1);
                    Value::Array(vec![Value::Empty; size.min(STATEMENT_BUDGET as usize)])
                }
            };
            self.variables().insert(var.name.to_lowercase(), value);
        }
    }

    fn redim(&mut self, preserve: bool, name: &str, bounds: &[Expr]) -> Done<()> {
        let [bound] = bounds else {
            return not_covered("arrays of several dimensions");
        };
        let size = usize::try_from(self.value(bound)?.whole()? + 1).unwrap_or(0);
        let mut items = match self.variable(name) {
            Some(Value::Array(items)) if preserve => items,
            _ => Vec::new(),
        };
        items.resize(size.min(STATEMENT_BUDGET as usize), Value::Empty);
        self.put(name, Value::Array(items));
        Ok(())
    }

    fn constants(&mut self, values: &[(vbscript::parser::ast::Name, Lit)]) -> Done<()> {
        for (name, literal) in values {
            let value = super::expressions::literal(literal)?;
            self.variables().insert(name.to_lowercase(), value);
        }
        Ok(())
    }

    fn variables(&mut self) -> &mut BTreeMap<String, Value> {
        match self.frames.last_mut() {
            Some(frame) => &mut frame.locals,
            None => &mut self.globals,
        }
    }

    /// A variable by its name in any case.
    pub(super) fn variable(&self, name: &str) -> Option<Value> {
        let name = name.to_lowercase();
        let local = self.frames.last().and_then(|frame| frame.locals.get(&name));
        local.or_else(|| self.globals.get(&name)).cloned()
    }

    /// Sets a variable where it stands: in the procedure if it is known there, in the script if it is known there.
    fn put(&mut self, name: &str, value: Value) {
        let name = name.to_lowercase();
        if let Some(frame) = self.frames.last_mut()
            && (frame.locals.contains_key(&name) || !self.globals.contains_key(&name))
        {
            frame.locals.insert(name, value);
            return;
        }
        self.globals.insert(name, value);
    }

    fn assign(&mut self, to: &FullIdent, value: Value) -> Done<()> {
        match &to.0.node {
            ExprKind::Ident(name) => {
                if self.explicit && self.variable(name).is_none() {
                    return runtime(500, format!("Variable is undefined: '{}'", name.node));
                }
                self.put(name, value);
                Ok(())
            }
            ExprKind::FnApplication { callee, args } => {
                let ExprKind::Ident(name) = &callee.node else {
                    return not_covered(format!("an assignment to `{to}`"));
                };
                let [Some(index)] = &args[..] else {
                    return not_covered("arrays of several dimensions");
                };
                let index = usize::try_from(self.value(index)?.whole()?).unwrap_or(usize::MAX);
                let Some(Value::Array(mut items)) = self.variable(name) else {
                    return type_mismatch();
                };
                let Some(item) = items.get_mut(index) else {
                    return runtime(9, format!("Subscript out of range: '[number: {index}]'"));
                };
                *item = value;
                self.put(name, Value::Array(items));
                Ok(())
            }
            _ => not_covered(format!("an assignment to `{to}`")),
        }
    }

    /// A call as a statement: `Name a, b` or `object.Method a, b`.
    fn call_statement(&mut self, callee: &Expr, args: &[Option<Expr>]) -> Done<()> {
        if args.is_empty() {
            // The name of the procedure that runs calls it, and is not its result.
            if let ExprKind::Ident(name) = &callee.node
                && self.procedures.contains_key(&name.to_lowercase())
            {
                return self.call_procedure(name, Vec::new()).map(drop);
            }
            return self.value(callee).map(drop);
        }
        self.apply(callee, args).map(drop)
    }

    /// Calls a Sub or Function of the script.
    pub(super) fn call_procedure(&mut self, name: &str, values: Vec<Value>) -> Done<Value> {
        let Some(procedure) = self.procedures.get(&name.to_lowercase()).map(Rc::clone) else {
            return type_mismatch();
        };
        if values.len() != procedure.parameters.len() {
            return runtime(
                450,
                "Wrong number of arguments or invalid property assignment",
            );
        }
        if self.frames.len() >= DEEPEST {
            return Err(Trouble::Endless);
        }
        let mut frame = Frame::default();
        for (parameter, value) in procedure.parameters.iter().zip(values) {
            frame.locals.insert(parameter.name().to_lowercase(), value);
        }
        frame.locals.insert(procedure.name.clone(), Value::Empty);
        self.frames.push(frame);
        let resume = std::mem::replace(&mut self.resume, false);
        let at = self.at;
        let done = self.body(&procedure.body);
        self.resume = resume;
        let frame = self.frames.pop().unwrap_or_default();
        done?;
        self.at = at;
        Ok(frame
            .locals
            .get(&procedure.name)
            .cloned()
            .unwrap_or(Value::Empty))
    }

    /// The script's name, as `WScript.ScriptFullName` has it.
    pub(super) fn file(&self) -> &str {
        &self.script.file
    }
}
