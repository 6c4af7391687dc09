'use strict';

// Mocha passes over a promise that is rejected and that nobody handles; in a program it ends the process. With this file such a rejection fails
// the test that runs, or the next one when it comes at the very end. A test may handle it late.

const unhandled = new Map();
let isListening = false;

exports.mochaHooks = {
  beforeAll() {
    // Where files of tests run in parallel, this hook runs for each file of a process.
    if (isListening) return;
    isListening = true;
    process.on('unhandledRejection', (reason, promise) => {
      // A simulation, or a test of such rejections, listens itself.
      if (process.listenerCount('unhandledRejection') === 1) unhandled.set(promise, reason);
    });
    process.on('rejectionHandled', (promise) => unhandled.delete(promise));
  },
  async afterEach() {
    // Rejections are reported after the microtasks of their turn.
    await new Promise((resolve) => setImmediate(resolve));
    if (unhandled.size === 0) return;
    const [first] = unhandled.values();
    unhandled.clear();
    throw new Error(`a promise was rejected, and nobody handled that: ${first?.stack ?? String(first)}`);
  },
};
