import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { needsCommand } from '../../support/pending.js';
import { eventually } from '../../support/until.js';
import { root } from '../../system/root.js';

const run = promisify(execFile);

/** The fenced blocks of docs/embedding.md in a language, in order. */
async function blocks(language: string): Promise<string[]> {
  const text = await readFile(join(root, 'docs/embedding.md'), 'utf8');
  return [...text.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g'))].map((match) => match[1] ?? '');
}

/** A block that begins with the name of its file. */
function named(text: string): { readonly name: string; readonly text: string } | undefined {
  const name = /^\/\/ (\S+)\n/.exec(text)?.[1];
  return name === undefined ? undefined : { name, text };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

function isAnswered(url: string): Promise<boolean> {
  return fetch(url).then(
    ({ ok }) => ok,
    () => false,
  );
}

describe('docs/embedding.md', function () {
  this.timeout(120_000);
  let folder: string;
  let service: ChildProcess | undefined;

  before(async function () {
    folder = await mkdtemp(join(tmpdir(), 'millrace-embedding-'));
    needsCommand(this, 'curl');
  });

  after(async () => {
    service?.kill('SIGKILL');
    await rm(folder, { recursive: true });
  });

  it('leads from an empty folder to a service that answers, and ends when it is told to', async () => {
    const commands = (await blocks('sh')).flatMap((block) => block.split('\n')).filter((line) => line !== '');
    const here = { cwd: folder, env: { ...process.env } };
    const shell = (command: string) => run('bash', ['-c', command], here);
    const [make = '', ...others] = commands;
    await shell(make);
    // What `npm install` would bring, from this checkout.
    await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
    const [config = ''] = await blocks('json');
    await writeFile(join(folder, 'tsconfig.json'), config);
    for (const block of [...(await blocks('proto')), ...(await blocks('ts'))]) {
      const file = named(block);
      if (file !== undefined) await writeFile(join(folder, file.name), file.text);
    }
    const port = await freePort();
    const at = others.indexOf('node main.js');
    expect(at).to.be.greaterThan(0);
    for (const command of others.slice(0, at).filter((line) => !line.startsWith('npm install'))) await shell(command);

    service = spawn(process.execPath, ['main.js'], {
      ...here,
      env: { ...here.env, PORT: String(port) },
      stdio: 'inherit',
    });
    const ended = once(service, 'exit');
    await eventually(() => isAnswered(`http://localhost:${port}/readyz`));
    for (const command of others.slice(at + 1)) {
      const [call = '', expected] = command.split(/\s+# /);
      const { stdout } = await shell(call.replaceAll('localhost:3000', `localhost:${port}`));
      if (expected !== undefined) expect(stdout, call).to.equal(expected);
    }
    service.kill('SIGTERM');
    expect(await ended).to.deep.equal([0, null]);
  });
});
