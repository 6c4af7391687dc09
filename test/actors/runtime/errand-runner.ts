import { type Behavior, behavior, type BehaviorOptions, type Handlers } from '#src/actors/kernel/index.js';
import { Lane, type Method, type Service } from '#src/protocol/index.js';
import { type Errand, Errands as Plain, run } from '../transport/errands.js';

type List = Method<'stream', Errand, Partial<Errand>, Errand, Partial<Errand>>;
const { request, response } = run;
const list: List = { name: 'list', fullName: 'test.Errands.List', mode: 'stream', lane: Lane.data, request, response };

/** Errands that are told, asked, and streamed. */
export const Errands: Service<(typeof Plain)['methods'] & { readonly list: List }> = {
  typeName: Plain.typeName,
  methods: { ...Plain.methods, list },
};

type Definition<State> = BehaviorOptions<State> & Partial<Handlers<typeof Errands, State>>;

/** Runs errands: tells are forgotten, asks are answered with their value, `definition` apart. */
export function errandRunner<State = undefined>(definition: Definition<State> = {}): Behavior<typeof Errands, State> {
  const plain: Handlers<typeof Errands, State> = {
    push: () => {},
    urge: () => {},
    run: (_state, { value }) => ({ value }),
    rush: (_state, { value }) => ({ value }),
    list: async function* (_state, { value }) {
      for (let count = 0; count < value; count++) yield { value: count };
    },
  };
  return behavior<typeof Errands, State>(Errands, { ...plain, ...definition });
}
