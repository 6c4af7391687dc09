'use strict';

// Mocha does not fail a test for a promise that is rejected and that nobody handles; in a program it ends the process. With this file such a
// rejection fails the test that runs, or the next one when it comes at the very end.

const unhandled = [];

exports.mochaHooks = {
  beforeAll() {
    process.on('unhandledRejection', (reason) => {
      // A simulation, or a test of such rejections, listens itself.
      if (process.listenerCount('unhandledRejection') === 1) unhandled.push(reason);
    });
  },
  async afterEach() {
    // Rejections are reported after the microtasks of their turn.
    await new Promise((resolve) => setImmediate(resolve));
    if (unhandled.length === 0) return;
    const [first] = unhandled.splice(0);
    throw new Error(`a promise was rejected, and nobody handled that: ${first?.stack ?? String(first)}`);
  },
};
