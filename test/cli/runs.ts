/** What runs of `millrace up` leave on this machine: nothing, when they have ended. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The folders of the runs whose XDG_RUNTIME_DIR is this folder. */
export function runFolders(base: string): string[] {
  const all = join(base, `millrace-${process.getuid?.() ?? 0}`);
  return existsSync(all) ? readdirSync(all) : [];
}

/** The processes whose XDG_RUNTIME_DIR is this folder: those of its runs, and what they have started. */
export function commandsOfRun(base: string): { readonly pid: number; readonly command: string }[] {
  return readdirSync('/proc').flatMap((entry) => {
    try {
      const environment = readFileSync(`/proc/${entry}/environ`, 'utf8').split('\0');
      if (!environment.includes(`XDG_RUNTIME_DIR=${base}`)) return [];
      return [
        { pid: Number(entry), command: readFileSync(`/proc/${entry}/cmdline`, 'utf8').replaceAll('\0', ' ').trim() },
      ];
    } catch {
      // No process, or one that has ended.
      return [];
    }
  });
}

/** The sockets of living processes whose path is below a folder. */
export function socketsBelow(base: string): string[] {
  const lines = readFileSync('/proc/net/unix', 'utf8').split('\n');
  return lines.map((line) => line.split(' ').at(-1) ?? '').filter((path) => path.startsWith(`${base}/`));
}

/** Shared memory of this machine that no process has mapped. */
export function sharedMemoryOfNobody(): readonly string[] {
  const maps = readdirSync('/proc').map((entry) => {
    try {
      return /^\d+$/.test(entry) ? readFileSync(`/proc/${entry}/maps`, 'utf8') : '';
    } catch {
      return '';
    }
  });
  return readdirSync('/dev/shm').filter((name) => !maps.some((each) => each.includes(`/dev/shm/${name}`)));
}
