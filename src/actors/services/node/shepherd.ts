import { ProtocolError } from '../../../errors.js';
import { v1 } from '../../../protocol/index.js';
import { assertSentFrom, type Behavior, behavior, later } from '../../kernel/index.js';
import type { ServicesCandidate } from './services-candidate.js';
import type { Processes } from './processes.js';

/** Starts, signals and reaps the processes of a node, as it is told. `candidate`: what hears the global services that the node has started. */
export function shepherd(
  processes: Processes,
  candidate: Pick<ServicesCandidate, 'assertOwn' | 'serves' | 'standsBy'>,
): Behavior<typeof v1.Shepherd, undefined> {
  return behavior(v1.Shepherd, {
    supervision: { onFailure: 'resume' },
    start: (_state, process) => processes.start(process),
    end: (_state, { pUid, patienceMs }) => later(processes.end(pUid, patienceMs)),
    signal: (_state, { pUid, signal }) => {
      processes.signal(pUid, signal);
      return {};
    },
    globalServicesUp: (_state, greeting, context) => {
      candidate.assertOwn(greeting);
      const { place } = greeting;
      if (place === undefined) throw new ProtocolError('Global services serve, and do not say where.');
      assertSentFrom(context, place.address, 'The greeting of global services');
      candidate.serves(place);
      return {};
    },
    globalServicesStandBy: (_state, greeting) => {
      candidate.assertOwn(greeting);
      candidate.standsBy();
      return {};
    },
    inventory: (_state, { epoch }) => ({ processes: processes.inventory(epoch) }),
  });
}
