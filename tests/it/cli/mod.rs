//! Every command and every exit code, through the program itself.

mod lifecycle;
mod looking;
mod options;
mod state;
mod trash;
