/** The hosts of a Slurm job, as SLURM_JOB_NODELIST lists them. */
import { ConfigError } from '../index.js';

/** Hosts of one list: the id space has room for 2^24 nodes. */
const MOST = 65_536;

/**
 * The hosts of a compressed list: `gpu[01-03,7],login` is gpu01, gpu02, gpu03, gpu7 and login. A name may have several brackets, the last of which
 * counts fastest, and numbers keep their leading zeros. Throws ConfigError for a list of another form.
 */
export function slurmHosts(list: string): readonly string[] {
  const hosts: string[] = [];
  for (const word of wordsOf(list)) {
    hosts.push(...expanded(word, list));
    if (hosts.length > MOST) throw wrong(list, `it has more than ${MOST} hosts`);
  }
  if (hosts.length === 0) throw wrong(list, 'it names no host');
  return hosts;
}

/** Splits at the commas outside of brackets. */
function wordsOf(list: string): readonly string[] {
  const words = list.match(/(?:[^,[\]]|\[[^[\]]*\])+/g) ?? [];
  if (words.join(',') !== list) throw wrong(list, 'its brackets or commas do not match');
  return words;
}

function expanded(word: string, list: string): readonly string[] {
  const parts = word.match(/[^[\]]+|\[[^[\]]*\]/g) ?? [];
  let names = [''];
  for (const part of parts) {
    const ends = part.startsWith('[')
      ? part
          .slice(1, -1)
          .split(',')
          .flatMap((range) => numbersOf(range, list))
      : [part];
    if (names.length * ends.length > MOST) throw wrong(list, `it has more than ${MOST} hosts`);
    names = names.flatMap((name) => ends.map((end) => name + end));
  }
  for (const name of names) if (!/^[a-z0-9][\w.-]*$/i.test(name)) throw wrong(list, `"${name}" is no host`);
  return names;
}

/** `08-11` is 08, 09, 10, 11. */
function numbersOf(range: string, list: string): readonly string[] {
  const [, first = '', last = first] = /^(\d{1,9})(?:-(\d{1,9}))?$/.exec(range) ?? [];
  const count = Number(last) - Number(first) + 1;
  if (first === '' || count < 1) throw wrong(list, `"${range}" is no range of numbers`);
  if (count > MOST) throw wrong(list, `it has more than ${MOST} hosts`);
  return Array.from({ length: count }, (_, index) => String(Number(first) + index).padStart(first.length, '0'));
}

function wrong(list: string, why: string): ConfigError {
  return new ConfigError(`SLURM_JOB_NODELIST is ${JSON.stringify(list.slice(0, 200))}, and ${why}.`);
}

/** The command that runs another one on a host of the job, beside what runs there already. */
export function throughSrun(host: string, command: readonly string[]): readonly string[] {
  return ['srun', '--overlap', '--nodes=1', '--ntasks=1', `--nodelist=${host}`, '--unbuffered', '--', ...command];
}
