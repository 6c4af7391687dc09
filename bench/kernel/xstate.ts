const note: { type: 'note'; value: number } = { type: 'note', value: 0 };

/** A machine with one state. It calls `noted` for each event. */
export async function noteMachine(noted: () => void) {
  const { setup } = await import('xstate');
  return setup({ types: { events: note }, actions: { noted } }).createMachine({
    initial: 'idle',
    states: { idle: { on: { note: { actions: 'noted' } } } },
  });
}

/** An actor logic of one transition function. It calls `noted` for each event. */
export async function noteTransition(noted: () => void) {
  const { fromTransition } = await import('xstate');
  return fromTransition((count: number, { value }: typeof note) => {
    noted();
    return count + value;
  }, 0);
}
