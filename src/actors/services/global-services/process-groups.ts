import { CapacityError, ConfigError } from '../../../errors.js';
import { limits } from '../../../limits.js';
import { v1 } from '../../../protocol/index.js';

/** Named groups of processes: their p_uids. Plain state. */
export class ProcessGroups {
  readonly #groups = new Map<string, v1.ResourceDescriptor>();
  #created = 0n;

  all(): readonly v1.ResourceDescriptor[] {
    return [...this.#groups.values()];
  }

  /** The same members under the same name are the same group. Throws ConfigError for a name that another group has. */
  create(name: string, members: readonly bigint[]): v1.ResourceDescriptor {
    const wanted = name === '' ? `group-${this.#created + 1n}` : name;
    const known = this.#groups.get(wanted);
    if (known !== undefined) {
      if (known.members.join() === members.join()) return known;
      throw new ConfigError(`The name "${wanted}" is that of another group of processes: choose another.`);
    }
    if (this.#groups.size >= limits.managedProcesses) {
      throw new CapacityError(
        `There are ${limits.managedProcesses} groups (limit managedProcesses): destroy some first.`,
      );
    }
    this.#created += 1n;
    const kind = v1.ResourceKind.GROUP;
    const group = v1.ResourceDescriptor.create({ kind, id: this.#created, name: wanted, members });
    this.#groups.set(wanted, group);
    return group;
  }

  find({ which }: v1.ResourceToQuery): v1.ResourceDescriptor | undefined {
    if (which.case === 'name') return this.#groups.get(which.value);
    return this.all().find(({ id }) => id === which.value);
  }

  remove({ name }: v1.ResourceDescriptor): void {
    this.#groups.delete(name);
  }
}
