import { MapView, MessageView, RepeatedView } from '#src/protocol/index.js';

/** All that a view says, as the decoded message `like` has it. Every property is read. */
export function plainOf(viewed: unknown, like: unknown): unknown {
  if (viewed instanceof RepeatedView) {
    const items = Array.isArray(like) ? like : [];
    return Array.from(viewed, (item, index) => plainOf(item, items[index]));
  }
  if (viewed instanceof MapView) {
    const values = like instanceof Map ? like : new Map(Object.entries(like ?? {}));
    const entries = Array.from(viewed, ([key, value]) => [key, plainOf(value, values.get(key))] as const);
    // As `decode` sets them: a key `__proto__` is one like others.
    return like instanceof Map ? new Map(entries) : Object.fromEntries(entries);
  }
  if (viewed instanceof MessageView) {
    const names = Object.entries(Object.getOwnPropertyDescriptors(Object.getPrototypeOf(viewed)));
    const getters = names.filter(([, descriptor]) => 'get' in descriptor).map(([name]) => name);
    return Object.fromEntries(
      getters.map((name) => [name, plainOf(Reflect.get(viewed, name), propertyOf(like, name))]),
    );
  }
  if (isCase(viewed)) return { case: viewed.case, value: plainOf(viewed.value, propertyOf(like, 'value')) };
  return viewed;
}

function isCase(value: unknown): value is { readonly case: unknown; readonly value: unknown } {
  return typeof value === 'object' && value !== null && Object.keys(value).join() === 'case,value';
}

function propertyOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}
