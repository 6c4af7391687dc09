import { CapacityError, ConfigError } from '../../../errors.js';
import { limits } from '../../../limits.js';
import { v1 } from '../../../protocol/index.js';
import { unusedName } from './unused-name.js';

/** Named groups of processes: their p_uids. Plain state. */
export class ProcessGroups {
  readonly #byName = new Map<string, v1.ResourceDescriptor>();
  /** What each request has created: one that is repeated creates nothing. */
  readonly #byRequest = new Map<string, v1.ResourceDescriptor>();
  readonly #requests = new Map<bigint, Request>();
  #created = 0n;

  all(): readonly v1.ResourceDescriptor[] {
    return [...this.#byName.values()];
  }

  /**
   * A new group, and whether it is new: the same members under the same name are the same group. `requester`: who has sent the request. Throws
   * ConfigError for a name that another group has, and CapacityError past the limit.
   */
  create({ tag, name, members }: v1.ResourceToCreate, requester: string): CreatedGroup {
    const request = { requester, tag };
    const known = this.#byRequest.get(keyOf(request)) ?? this.#byName.get(name);
    if (known !== undefined) {
      if (known.members.join() === members.join()) return { group: known, isNew: false };
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
    this.#put(group, request);
    return { group, isNew: true };
  }

  find({ which }: v1.ResourceToQuery): v1.ResourceDescriptor | undefined {
    if (which.case === 'name') return this.#byName.get(which.value);
    return this.all().find(({ id }) => id === which.value);
  }

  /** Returns what puts it back, where its name is free then. */
  remove(group: v1.ResourceDescriptor): () => void {
    const request = this.#requests.get(group.id) ?? NO_REQUEST;
    if (this.#byName.get(group.name) === group) this.#byName.delete(group.name);
    this.#byRequest.delete(keyOf(request));
    this.#requests.delete(group.id);
    return () => {
      if (!this.#byName.has(group.name)) this.#put(group, request);
    };
  }

  /** For global services that follow these. */
  kept(): v1.KeptGroupsInit {
    const groups = this.all().map(({ id, name, members }) =>
      v1.KeptGroup.create({ id, name, members, ...(this.#requests.get(id) ?? NO_REQUEST) }),
    );
    return { groups, created: this.#created };
  }

  restore({ groups, created }: v1.KeptGroups): void {
    this.#created = created;
    for (const { id, name, members, requester, tag } of groups) {
      this.#put(v1.ResourceDescriptor.create({ kind: v1.ResourceKind.GROUP, id, name, members }), { requester, tag });
    }
  }

  #put(group: v1.ResourceDescriptor, request: Request): void {
    this.#byName.set(group.name, group);
    if (request.tag === 0n) return;
    this.#byRequest.set(keyOf(request), group);
    this.#requests.set(group.id, request);
  }
}

interface CreatedGroup {
  readonly group: v1.ResourceDescriptor;
  readonly isNew: boolean;
}

/** A request that may be repeated; one with the tag 0 is none. */
type Request = Pick<v1.KeptGroup, 'requester' | 'tag'>;

const NO_REQUEST: Request = { requester: '', tag: 0n };

function keyOf({ requester, tag }: Request): string {
  return `${requester}/${tag}`;
}
