import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { describeOptions, optionNames, optionTable, readOptionsFile, resolveOptions } from '#src/options/index.js';
import { messageOf, untyped } from './sources.js';

describe('an address with a password', () => {
  const SECRET = 's3cret';
  const rights = [
    `nats://bob:${SECRET}@host:4222/shop`,
    `nats://${SECRET}@host`,
    `nats://bob:a%40${SECRET}@a,b:1/shop`,
  ];
  const wrongs = [
    `nats://bob:${SECRET}@/shop`,
    `nast://bob:${SECRET}@host`,
    `nats:bob:${SECRET}@host`,
    `nats:/bob:${SECRET}@host`,
    `nats://bob:a@${SECRET}@host`,
    `nats://bob:with space/${SECRET}@host`,
    `tcp://bob:${SECRET}@127.0.0.1:1`,
    `ws://bob:${SECRET}@127.0.0.1:1/path`,
    `nats://bob:${SECRET}${'x'.repeat(200)}@host:99999/shop`,
  ];

  it('is described without it', () => {
    for (const clusterStore of rights) {
      for (const sources of [{ env: { MILLRACE_CLUSTER_STORE: clusterStore } }, { code: { clusterStore } }]) {
        const resolved = resolveOptions(sources);
        expect(resolved.values.clusterStore).to.equal(clusterStore);
        const { value } = describeOptions(resolved).find(({ name }) => name === 'clusterStore') ?? {};
        expect(value)
          .to.match(/^nats:\/\/\*\*\*@/)
          .and.not.include(SECRET);
      }
    }
  });

  it('is refused without it, as each option that takes a text', () => {
    const refused = optionNames.filter((name) => optionTable[name].check(wrongs[0]) === undefined);
    expect(refused).to.include.members(['listen', 'controlPlane', 'clusterStore']);
    for (const name of refused) {
      const variable = describeOptions().find((each) => each.name === name)?.variable ?? '';
      for (const wrong of wrongs) {
        const file = { path: 'options.json', values: { [name]: wrong } };
        for (const sources of [{ env: { [variable]: wrong } }, { file }, untyped({ [name]: wrong })]) {
          if (optionTable[name].check(wrong) !== undefined) continue;
          // A variable that another program may have set is ignored, and named.
          const said = messageOf(() => String(resolveOptions(sources).notice));
          expect(said)
            .to.match(new RegExp(`${name}|${variable}`))
            .and.not.include(SECRET);
        }
      }
    }
  });

  it('is not quoted from a config file that is not JSON', () => {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-test-'));
    for (const text of [
      `{ "clusterStore": nats://bob:${SECRET}@host }`,
      `{ "clusterStore": "nats://bob:${SECRET}@host" x }`,
      `{ "clusterStore": "nats://bob:a"${SECRET}@host" }`,
      `nats://bob:${SECRET}@host`,
    ]) {
      writeFileSync(join(folder, 'millrace.config.json'), text);
      const error = messageOf(() => JSON.stringify(readOptionsFile({ folder })));
      expect(error).to.include('is not JSON').and.not.include(SECRET);
    }
    rmSync(folder, { recursive: true });
  });

  it('leaves paths that have an @ as they are', () => {
    for (const clusterStore of ['embedded:/srv/a@b/store', 'embedded:a@b']) {
      const described = describeOptions(resolveOptions({ code: { clusterStore } }));
      expect(described.find(({ name }) => name === 'clusterStore')?.value).to.equal(clusterStore);
    }
  });
});
