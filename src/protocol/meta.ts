/** Strings that go with a message, and with the calls that its receiver makes while it handles it. */
export type Meta = Readonly<Record<string, string>>;
