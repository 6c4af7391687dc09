'use strict';

// The processes and threads that tests start load the same files again and again. Where Node can keep compiled code (Node 22.1 and later), they
// take it from a folder. Not while coverage is measured, which such code makes less exact.
const path = require('node:path');

if (process.env.NODE_V8_COVERAGE === undefined) {
  process.env.NODE_COMPILE_CACHE ??= path.join(__dirname, '../build/compile-cache');
}
