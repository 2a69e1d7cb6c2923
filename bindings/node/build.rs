//! Tells the linker that what Node.js brings is there when the module is loaded.

fn main() {
    napi_build::setup();
}
