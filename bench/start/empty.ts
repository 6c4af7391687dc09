// A module without anything: what any import costs.
export {};
