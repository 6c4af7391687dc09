/** True for a service, or a method by its full name, of the runtime itself. It does not count as work of users. */
export function isInfrastructure(name: string): boolean {
  return name.startsWith('millrace.v1.');
}
