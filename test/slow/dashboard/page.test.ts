import { expect } from 'chai';
import { dashboard, type Dashboard } from '#src/dashboard/index.js';
import type { Runtime } from '#src/actors/runtime/index.js';
import { errandRunner } from '../../actors/runtime/errand-runner.js';
import { childrenOf } from '../../actors/runtime/hosting/processes.js';
import { Cluster, closeAfterEach, startFlow } from '../../actors/runtime/harness.js';
import flow from '../../actors/runtime/pipelines/flow.js';
import { Browser, CHROMIUM } from '../../support/browser.js';
import { gate } from '../../support/deferred.js';
import { needsCommand } from '../../support/pending.js';

describe('the page of the dashboard, in a browser', function () {
  this.timeout(300_000);
  let browser: Browser;
  let page: Dashboard;
  let runtime: Runtime;
  let hosted: readonly number[];

  before(function () {
    needsCommand(this, CHROMIUM);
  });

  beforeEach(async () => {
    runtime = await new Cluster({}, 'process').start();
    hosted = childrenOf(process.pid);
    page = await dashboard(runtime, { intervalMs: 250, actions: true });
    browser = await Browser.start();
    await browser.open(page.url, { width: 1280, height: 900 });
    await browser.shows('#overview', /Partitions ?2/);
  });

  afterEach(async () => {
    await browser.close();
    await page.close();
  });

  closeAfterEach();

  it('shows a pipeline while it runs, and its elements', async () => {
    await browser.shows('#pipelines', 'No pipeline runs.');
    const held = gate();
    const board = (on: { source?: unknown }) => {
      on.source = async (output: { write(row: { id: number }): Promise<void> }) => {
        for (let id = 0; id < 500; id++) await output.write({ id });
        await held.passed;
      };
    };
    const { run } = await startFlow(runtime, flow, { count: 0 }, { board });
    await browser.shows('#pipelines h3', /^flow running$/);
    await browser.shows('#pipelines .stream small', /500/);
    expect(await browser.text('#pipelines .stage b')).to.equal('source stage sink');
    held.open();
    await run.done;
    await browser.shows('#pipelines', /completed|No pipeline runs/);
    expect(browser.complaints).to.deep.equal([]);
  });

  it('shows an actor with its state, its mailbox and its failure, and restarts and stops it', async () => {
    const held = gate();
    const till = errandRunner<{ sum: number }>({
      supervision: { onFailure: 'restart', backoff: { minMs: 1, maxMs: 1 } },
      state: () => ({ sum: 0 }),
      push: (state, { value }) => {
        if (value === 13) throw new RangeError('unlucky <b>');
        state.sum += value;
      },
      urge: () => held.passed,
      on: { inspect: ({ sum }) => ({ sum }) },
    });
    const ref = runtime.spawn(till, { name: 'till' });
    await browser.shows('#actors tbody', 'till');
    await browser.press('j');
    await browser.press('Enter');
    await browser.evaluate('document.activeElement.click()');
    ref.push({ value: 5 });
    await browser.shows('#drawer pre', '"sum": 5');
    ref.push({ value: 13 });
    await browser.shows('#events', /failed.*till.*restart: unlucky <b>/);
    await browser.shows('#drawer', 'unlucky <b>');
    ref.urge({});
    for (let count = 0; count < 3; count++) ref.push({ value: 1 });
    await browser.shows('#drawer .chips', 'push × 3');
    held.open();
    await browser.shows('#drawer pre', '"sum": 3');
    const buttons = "[...document.querySelectorAll('#drawer .actions button')]";
    for (const [index, text] of ['restart', 'stop'].entries()) {
      await browser.evaluate(`${buttons}[${index}].click()`);
      await browser.shows('#drawer .actions', `Really ${text}?`);
      await browser.evaluate(`${buttons}[${index}].click()`);
      if (text === 'restart') await browser.shows('#drawer pre', '"sum": 0');
    }
    await browser.shows('#events', /stopped.*till/);
    await browser.shows('#drawer .problem', 'There is no actor');
    await browser.press('Escape');
    expect(await browser.evaluate("document.querySelector('#drawer') === null")).to.equal(true);
    // The browser itself complains of the response that said so.
    expect(browser.complaints.filter((each) => !each.includes('status of 400'))).to.deep.equal([]);
  });

  it('shows that a partition is gone when its process is killed, and that it comes back', async () => {
    expect(await browser.text('#topology .strong')).to.equal('partition 0 partition 1');
    const [pid] = hosted;
    if (pid === undefined) throw new Error('There is no partition in a process.');
    process.kill(pid, 'SIGKILL');
    await browser.shows('#events', 'partition ended');
    await browser.shows('#events', 'partition joined');
    await browser.shows('#overview', /Partitions ?2/);
    expect(browser.complaints).to.deep.equal([]);
  });

  it('follows the theme, fits narrow screens, and is used by the keyboard', async () => {
    const ground = () => browser.evaluate('getComputedStyle(document.body).backgroundColor');
    const light = await ground();
    await browser.look({ width: 400, height: 800, scheme: 'dark' });
    expect(await ground()).to.not.equal(light);
    const overflow = 'document.documentElement.scrollWidth - document.documentElement.clientWidth';
    expect(await browser.evaluate(overflow)).to.equal(0);
    await browser.press('/');
    expect(await browser.evaluate('document.activeElement.id')).to.equal('filter');
    await browser.press('Escape');
    await browser.press('p');
    await browser.shows('.top button', 'Go on');
    expect(browser.complaints).to.deep.equal([]);
  });
});
