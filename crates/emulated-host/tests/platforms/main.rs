//! Emulated Windows, AIX and Solaris hosts: control scripts of several hands run unchanged, and the commands they call
//! say and end with what they do on their platform.

mod commands;
mod nlb;
mod scripts;
mod site;
