import { CapacityError, ConfigError } from '../../../errors.js';
import { limits } from '../../../limits.js';
import { v1 } from '../../../protocol/index.js';
import { unusedName } from './unused-name.js';

/** Named groups of processes: their p_uids. Plain state. */
export class ProcessGroups {
  readonly #byName = new Map<string, v1.ResourceDescriptor>();
  /** What each request has created: one that is repeated creates nothing. */
  readonly #byRequest = new Map<string, v1.ResourceDescriptor>();
  readonly #requestOf = new Map<bigint, string>();
  #created = 0n;

  all(): readonly v1.ResourceDescriptor[] {
    return [...this.#byName.values()];
  }

  /** The same members under the same name are the same group. Throws ConfigError for a name that another group has. */
  create({ requester, tag, name, members }: v1.ResourceToCreate): v1.ResourceDescriptor {
    const request = tag === 0n ? undefined : `${requester}/${tag}`;
    const known = this.#byRequest.get(request ?? '') ?? this.#byName.get(name);
    if (known !== undefined) {
      if (known.members.join() === members.join()) return known;
      throw new ConfigError(`The name "${name}" is that of another group of processes: choose another.`);
    }
    if (this.#byName.size >= limits.managedProcesses) {
      throw new CapacityError(
        `There are ${limits.managedProcesses} groups (limit managedProcesses): destroy some first.`,
      );
    }
    this.#created += 1n;
    const id = this.#created;
    const chosen = name === '' ? unusedName(`group-${id}`, this.#byName) : name;
    const group = v1.ResourceDescriptor.create({ kind: v1.ResourceKind.GROUP, id, name: chosen, members });
    this.#byName.set(chosen, group);
    if (request !== undefined) {
      this.#byRequest.set(request, group);
      this.#requestOf.set(id, request);
    }
    return group;
  }

  find({ which }: v1.ResourceToQuery): v1.ResourceDescriptor | undefined {
    if (which.case === 'name') return this.#byName.get(which.value);
    return this.all().find(({ id }) => id === which.value);
  }

  remove({ id, name }: v1.ResourceDescriptor): void {
    this.#byName.delete(name);
    this.#byRequest.delete(this.#requestOf.get(id) ?? '');
    this.#requestOf.delete(id);
  }
}
