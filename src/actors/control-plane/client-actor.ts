import { StoppedError } from '../../errors.js';
import { Ref, v1 } from '../../protocol/index.js';
import {
  assertOfThisProcess,
  type Behavior,
  behavior,
  type Context,
  isFromPartition,
  isFromProcess,
  later,
} from '../kernel/index.js';
import type { ControlPlaneClient } from './client.js';
import type { Session } from './session.js';

/**
 * The actor by which the control plane reaches a process, and the other partitions of the process the control plane. Its updates come from the process that serves
 * the control plane, and all else but progress from partitions of this process.
 */
export function clientActor(
  client: ControlPlaneClient,
  session: Session,
  progress: (news: v1.SegmentProgress) => void,
): Behavior<typeof v1.ControlPlaneClient, undefined> {
  return behavior(v1.ControlPlaneClient, {
    supervision: { onFailure: 'resume' },
    update: (_state, update, context) => {
      if (isFromProcess(context, session.serverIncarnation)) session.apply(update);
    },
    progress: (_state, news, context) => {
      const segment = session.resources.get(news.segment)?.detail;
      if (segment?.case !== 'segment' || isFromPartition(context, segment.value.partition)) progress(news);
    },
    report: own((report) => later(client.report(report).then(() => ({})))),
    locate: own(({ ordinal, incarnation }) =>
      later(client.locate(ordinal, incarnation).then((address = '') => ({ address }))),
    ),
    drain: own(({ segment }) => later(client.drainSegment(segment).then(() => ({})))),
    getDefinition: own(({ hash }) => later(client.getDefinition(hash))),
    registerName: own(({ name, ref, isGroup, isStandby, path }) =>
      later(client.registerName(name, Ref.create(ref), { isGroup, isStandby, path }).then(() => ({}))),
    ),
    unregisterName: own(({ name, cUid, isGroup }) =>
      later(client.unregisterName(name, cUid, isGroup).then(() => ({}))),
    ),
    on: {
      started: (_state, context) => session.watchWith(context),
      terminated: () => session.serverEnded(),
      // Nobody is left for whom the connection could be taken up again. It does not fail, so this is no restart.
      stopping: () => session.close(new StoppedError('The control plane client of this process has stopped.')),
    },
  });
}

/** A handler of requests of the partitions of this process. Refuses those of others, which have clients of their own. */
function own<Request, Reply>(
  handle: (request: Request) => Reply,
): (state: undefined, request: Request, context: Context) => Reply {
  return (_state, request, context) => {
    assertOfThisProcess(context, 'A request to the control plane client of a process');
    return handle(request);
  };
}
