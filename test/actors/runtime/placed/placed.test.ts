import { expect } from 'chai';
import type { ActorRef, PlaceOn, Terminated } from '#src/actors/kernel/index.js';
import { describeRuntime, until, type World } from '../harness.js';
import { type Stage, type Subject, subject } from './subject.js';
import { CASES, placedSubject } from './table.js';

/** Another virtual process where there is one; else beside the event loop of the test, where the runtime has such a partition. */
function placeOf({ cluster, control, runtime }: World): { readonly on?: PlaceOn } {
  return cluster.isVirtual && control !== runtime ? { on: { node: control.node } } : {};
}

/** Places the actor of a case, has it checked, and ends what is left of it. */
async function play(world: World, title: string): Promise<void> {
  const { runtime } = world;
  const reports: string[] = [];
  const reporter = runtime.spawn(subject({ tell: (_state, { text }) => void reports.push(text) }));
  const { cUid, incarnation } = reporter.toRef();
  const args = { title, reporter: [String(cUid), String(incarnation)] as const };
  const ref = await runtime.place(placedSubject, { args, ...placeOf(world) });
  const ended: ActorRef<typeof Subject>[] = [reporter];
  const stage: Stage = {
    ref,
    runtime,
    reports,
    reported: async (text) => {
      const count = text.split(' ').length;
      await until(() => reports.length >= count);
      // What is reported too often comes before this is answered.
      await reporter.ask({});
      expect(reports.join(' ')).to.equal(text);
    },
    end: () =>
      new Promise<Terminated>((resolve) => {
        const watcher = subject({
          on: {
            started: (_state, context) => context.watch(ref),
            terminated: (_state, event) => resolve(event),
          },
        });
        ended.push(runtime.spawn(watcher));
      }),
  };
  try {
    await CASES.get(title)?.check(stage);
  } finally {
    await runtime.stopActor(ref);
    for (const each of ended) await runtime.stopActor(each);
  }
}

describeRuntime({ title: 'wherever it is placed, an actor', shares: true, everywhere: true }, (start) => {
  for (const title of CASES.keys()) {
    it(title, async () => play(await start(), title));
  }
});
