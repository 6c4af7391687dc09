// Mocha's spec reporter, which also writes the counts and the failures to a file for scripts: --reporter-option counts=FILE
const { mkdirSync, writeFileSync } = require('node:fs');
const path = require('node:path');
const { reporters, Runner } = require('mocha');

module.exports = class CountingReporter extends reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    const file = options.reporterOptions?.counts;
    if (file === undefined) return;
    const failed = [];
    runner.on(Runner.constants.EVENT_TEST_FAIL, (test, error) => {
      failed.push(`${test.fullTitle()}: ${String(error?.stack ?? error?.message ?? error).slice(0, 1_000)}`);
    });
    runner.once(Runner.constants.EVENT_RUN_END, () => {
      const { passes, failures, pending } = this.stats;
      mkdirSync(path.dirname(file), { recursive: true });
      writeFileSync(file, `${JSON.stringify({ passed: passes, failed: failures, pending, failures: failed })}\n`);
    });
  }
};
