/** A folder in which one test writes .proto files, generates, and loads what came of it. */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { generate, type GenerateOptions } from '#src/codegen/index.js';
import { ConfigError } from '#src/errors.js';
import type { MessageType } from '#src/protocol/index.js';
import { type AnyMessage, repository } from './everything.js';

export class Scratch {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  /** Inside the repository, so that what is generated finds `millrace/protocol`. */
  static async make(): Promise<Scratch> {
    return new Scratch(await mkdtemp(join(repository, 'build/scratch-')));
  }

  async put(path: string, text: string): Promise<string> {
    const file = join(this.path, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
    return file;
  }

  read(path: string): Promise<string> {
    return readFile(join(this.path, path), 'utf8');
  }

  /** All files, by their path below the folder, sorted. */
  async files(below = '.'): Promise<readonly string[]> {
    const entries = await readdir(join(this.path, below), { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(join(this.path, below).length + 1))
      .sort();
  }

  /** Generates into `gen`; `files` are below the folder. */
  async generate(files: readonly string[], options: Partial<GenerateOptions> = {}): Promise<readonly string[]> {
    const inputs = files.map((file) => join(this.path, file));
    return generate({ files: inputs, out: join(this.path, 'gen'), module: 'esm', ...options });
  }

  /** The message of the ConfigError with which it fails. */
  async refusal(files: readonly string[], options: Partial<GenerateOptions> = {}): Promise<string> {
    try {
      await this.generate(files, options);
    } catch (error) {
      if (error instanceof ConfigError) return error.message;
      throw error;
    }
    throw new Error('nothing was refused');
  }

  /** What the generated module of `gen` exports. */
  async load(name: string): Promise<Readonly<Record<string, unknown>>> {
    const url = pathToFileURL(join(this.path, 'gen', name)).href;
    return (await import(url)) as Readonly<Record<string, unknown>>;
  }

  async type(module: string, name: string): Promise<MessageType<AnyMessage, AnyMessage>> {
    return (await this.load(module))[name] as MessageType<AnyMessage, AnyMessage>;
  }

  remove(): Promise<void> {
    return rm(this.path, { recursive: true, force: true });
  }
}
