/** Whether a service, or a method by its full name, is one of the runtime itself: what its users do not count as their work. */
export function isInfrastructure(name: string): boolean {
  return name.startsWith('millrace.v1.');
}
