// Takes the pictures of docs/looking.md: runs a small system of two processes, and looks at its page in a headless Chromium. After a build:
//     node scripts/screenshots.mjs [FOLDER]
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { errandRunner, Errands } from '../build/test/actors/runtime/errand-runner.js';
import { Row } from '../build/test/actors/runtime/row.js';
import { Browser } from '../build/test/support/browser.js';
import { dashboard } from '../dist/dashboard/index.js';
import { Executor, pipeline } from '../dist/index.js';

const [, , folder = 'docs/pictures'] = process.argv;
const WARM_UP_MS = 12_000;

/** Its segments load this module by its address, so the rest must not hold up its evaluation. */
const orders = pipeline('orders', import.meta.url, (builder) => {
  const rows = builder.source('read', Row, async (output, { signal }) => {
    for (let id = 0; !signal.aborted; id++) {
      await output.write({ id, key: `key-${id % 17}` });
      if (id % 40 === 0) await sleep(8);
    }
  });
  const priced = builder.segment('price', rows, Row, async (input, output) => {
    for await (const row of input) await output.write(row);
  });
  builder.sink('store', priced, async (input) => {
    for await (const row of input) void row;
  });
});
export default orders;

void takePictures();

async function takePictures() {
  mkdirSync(folder, { recursive: true });
  const executor = new Executor({});
  const shop = await executor.start({ node: 'shop', name: 'web', system: { partitions: 2 } });
  const { controlPlane } = shop;
  const stock = await executor.start({ node: 'store', name: 'stock', system: { partitions: 2 }, controlPlane });
  const till = { state: () => ({ sold: 0, left: 412 }), on: { inspect: (state) => state } };
  const ask = {
    ...till,
    run: (state, { value }) => {
      state.sold++;
      return { value };
    },
  };
  const names = ['orders', 'prices', 'seats', 'mail', 'search'];
  for (const name of names) await shop.whenRegistered(shop.spawn(errandRunner(ask), { name, register: true }));
  const printer = { ...till, push: () => sleep(40), mailbox: { capacity: 500 } };
  const slow = ['printer', 'labels', 'invoices'].map((name) => shop.spawn(errandRunner(printer), { name }));
  const far = await Promise.all(names.map((name) => stock.lookup(Errands, name)));
  let turn = 0;
  const load = setInterval(() => {
    turn++;
    far.forEach((ref, index) => {
      for (let count = 0; count < 12 + 9 * index + (turn % 20); count++) ref.run({ value: count }).catch(() => {});
    });
    slow.forEach((ref, index) => {
      if (turn % (1 + index) === 0) ref.push({});
    });
  }, 25);
  const run = await shop.run(orders);
  const broken = { push: () => Promise.reject(new RangeError('the address has no street')), supervision: 'resume' };
  const mails = shop.spawn(errandRunner(broken), { name: 'addresses' });

  const page = await dashboard(shop, {});
  const browser = await Browser.start();
  await browser.open(page.url, { width: 1280, height: 1330 });
  await sleep(WARM_UP_MS / 2);
  mails.push({});
  await sleep(WARM_UP_MS / 2);
  await picture(browser, 'dashboard.png');
  await browser.look({ width: 1280, height: 900, scheme: 'dark' });
  await browser.click('button.actor');
  await sleep(4_000);
  await picture(browser, 'actor.png');
  await browser.press('Escape');
  await browser.look({ width: 420, height: 900 });
  await sleep(1_500);
  await picture(browser, 'narrow.png');
  clearInterval(load);
  await browser.close();
  await page.close();
  await run.stop();
  process.exit();
}

async function picture(browser, name) {
  writeFileSync(join(folder, name), await browser.picture());
}
