//! `changeover check` as an operator runs it: on the control scripts of a site, which it tries on emulated hosts, and in
//! the forms in which other programs read it; and that what `import` and `new --explicit` write passes it.

mod explicit;
mod importing;
mod sarif;
mod scripts;
mod site;
