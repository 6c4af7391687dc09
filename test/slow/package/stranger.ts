import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { PROTO } from './programs.js';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../../../', import.meta.url));
/** What npm says of a registry that it cannot connect to; a failure of any other kind is one of the package. */
const UNREACHABLE =
  /^npm (?:error|ERR!) code (?:ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH)$/m;

interface Manifest {
  readonly scripts: { readonly prepack: string; readonly postpack: string };
}

/** A registry that cannot be reached. */
export class Offline extends Error {}

/** A machine without this checkout: the packed package, installed as strangers install it, and projects of theirs that use it. */
export class Stranger {
  /** Below it all projects find what is installed. */
  readonly folder: string;
  /** Elsewhere: nothing that runs here finds a package. */
  readonly bare: string;

  private constructor(folder: string, bare: string) {
    this.folder = folder;
    this.bare = bare;
  }

  static async create(): Promise<Stranger> {
    const [folder, bare] = await Promise.all(
      ['installed', 'bare'].map((name) => mkdtemp(join(tmpdir(), `millrace-${name}-`))),
    );
    if (folder === undefined || bare === undefined) throw new Error('There is no folder.');
    await writeFile(join(folder, 'package.json'), '{ "private": true }\n');
    return new Stranger(folder, bare);
  }

  /**
   * Packs this checkout, which is built, or a package below it, and returns the path of what was made. Does what npm does around it, but for
   * the build. It changes files of dist/ meanwhile, so no two tests do it at a time.
   */
  async pack(folder = '.'): Promise<string> {
    const { scripts } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as Manifest;
    const prepare = scripts.prepack.split(' && ').slice(2).join(' && ');
    const pack = `npm pack ./${folder} --silent --ignore-scripts --pack-destination '${this.folder}'`;
    const commands = `trap '${scripts.postpack}' EXIT; ${prepare} && ${pack}`;
    const output = await shell(root, 'flock', 'build', 'bash', '-c', folder === '.' ? commands : pack);
    const name = output.split('\n').find((line) => line.endsWith('.tgz'));
    if (name === undefined) throw new Error(`npm pack made no package: ${output}`);
    return join(this.folder, name);
  }

  /** Throws Offline where the registry cannot be reached. */
  async install(...packages: string[]): Promise<void> {
    try {
      await shell(this.folder, 'npm', 'install', '--no-audit', '--no-fund', '--prefer-offline', ...packages);
    } catch (error) {
      if (UNREACHABLE.test(String(error))) throw new Offline('the npm registry cannot be reached', { cause: error });
      throw error;
    }
  }

  /** A project with these files and a generated protocol. */
  async project(name: string, type: 'module' | 'commonjs', files: Readonly<Record<string, string>>): Promise<Project> {
    const project = new Project(join(this.folder, name), this.bare);
    const manifest = JSON.stringify({ name, private: true, type });
    await project.write({ 'package.json': manifest, 'shop.proto': PROTO, ...files });
    await project.command('millrace', 'gen', 'shop.proto', '--out', 'gen');
    return project;
  }

  async close(): Promise<void> {
    await Promise.all([this.folder, this.bare].map((folder) => rm(folder, { recursive: true, force: true })));
  }
}

export class Project {
  readonly folder: string;
  readonly #bare: string;

  constructor(folder: string, bare: string) {
    this.folder = folder;
    this.#bare = bare;
  }

  async write(files: Readonly<Record<string, string>>): Promise<void> {
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(this.folder, path)), { recursive: true });
      await writeFile(join(this.folder, path), text);
    }
  }

  /** Runs a command of an installed package. */
  command(name: string, ...args: string[]): Promise<string> {
    return shell(this.folder, join(this.folder, '../node_modules/.bin', name), ...args);
  }

  /** Runs a file of an installed package: of one of several versions, say. */
  packaged(path: string, ...args: string[]): Promise<string> {
    return shell(this.folder, process.execPath, join(this.folder, '../node_modules', path), ...args);
  }

  node(...args: string[]): Promise<string> {
    return shell(this.folder, process.execPath, ...args);
  }

  /** Where a bundle goes: a folder without packages around it. */
  output(name: string): string {
    return join(this.#bare, name);
  }
}

/** What the command wrote, standard error included; throws that where it failed. */
export async function shell(folder: string, command: string, ...args: string[]): Promise<string> {
  const options = { cwd: folder, env: outsideNpm(), maxBuffer: 2 ** 26, timeout: 240_000 };
  try {
    const { stdout, stderr } = await run(command, args, options);
    return stdout + stderr;
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { readonly stdout?: string; readonly stderr?: string };
    throw new Error(`${command} ${args.join(' ')} failed: ${stdout}${stderr}`, { cause: error });
  }
}

/** The environment without what npm and this checkout add for their own programs. */
export function outsideNpm(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => !/^(npm_(package|lifecycle|config_local_prefix)|MILLRACE_|NODE_PATH|NODE_OPTIONS)/.test(name),
    ),
  );
}
