import { expect } from 'chai';
import { Registry } from 'prom-client';
import { Executor, type Runtime } from '#src/index.js';
import { collectMetrics } from '#src/prometheus/index.js';
import { errandRunner } from '../actors/runtime/errand-runner.js';

/** Lines of an exposition without comments: `name{labels}` -> value. */
function valuesIn(exposition: string): Map<string, number> {
  const lines = exposition.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]),
  );
}

describe('metrics for Prometheus', () => {
  let executor: Executor;
  let runtime: Runtime;
  let register: Registry;

  beforeEach(async () => {
    executor = new Executor({ seed: 7 });
    runtime = await executor.start({ system: { partitions: 2 } });
    register = new Registry();
  });

  afterEach(() => executor.stop());

  it('are what the runtime counts, by partition', async () => {
    collectMetrics(runtime, register);
    const ref = runtime.spawn(
      errandRunner({
        supervision: 'resume',
        run: (_state, { value }) => {
          if (value === 13) throw new RangeError('unlucky');
          return { value };
        },
      }),
    );
    for (const value of [1, 2, 13]) await ref.run({ value }).catch(() => {});
    await runtime.stopActor(ref);
    ref.push({});
    const values = valuesIn(await register.metrics());
    const [first, second] = [0, 1];
    const { partitions, pipelines } = runtime.metrics();
    expect(values.get(`millrace_actors{partition="${first}"}`)).to.equal(partitions[0]?.actors);
    expect(values.get(`millrace_actors{partition="${second}"}`)).to.equal(partitions[1]?.actors);
    expect(values.get(`millrace_asks_total{partition="${first}"}`)).to.equal(partitions[0]?.asks.started);
    expect(values.get(`millrace_ask_failures_total{partition="${first}",code="HANDLER"}`)).to.equal(1);
    expect(values.get(`millrace_dead_letters_total{partition="${first}",reason="stopped"}`)).to.equal(1);
    expect(values.get(`millrace_actor_failures_total{partition="${first}"}`)).to.equal(1);
    expect(values.get('millrace_pipelines_ended_total{outcome="failed"}')).to.equal(pipelines.failed);
    expect(values.get('millrace_event_loop_delay_seconds{statistic="p99"}')).to.equal(0);
  });

  it('have the time that asks take as a histogram, whose buckets hold those before them', async () => {
    collectMetrics(runtime, register);
    const ref = runtime.spawn(
      errandRunner({
        run: (_state, { value }) =>
          new Promise((resolve) => executor.scheduler.setTimer(value, () => resolve({ value }))),
      }),
    );
    for (const value of [20, 20, 400]) await ref.run({ value });
    const values = valuesIn(await register.metrics());
    const first = 0;
    const bucket = (le: string): number =>
      values.get(`millrace_ask_duration_seconds_bucket{le="${le}",partition="${first}"}`) ?? Number.NaN;
    const counts = ['0.01', '0.025', '0.25', '0.5', '10', '+Inf'].map(bucket);
    expect(counts).to.deep.equal(counts.toSorted((left, right) => left - right));
    expect(bucket('0.025') - bucket('0.01')).to.equal(2);
    expect(bucket('0.5') - bucket('0.25')).to.equal(1);
    expect(values.get(`millrace_ask_duration_seconds_count{partition="${first}"}`)).to.equal(bucket('+Inf'));
    expect(values.get(`millrace_ask_duration_seconds_sum{partition="${first}"}`)).to.be.at.least(0.44);
  });

  it('keep the conventions of names: base units, and _total for what only grows', async () => {
    collectMetrics(runtime, register);
    for (const { name, type, help } of await register.getMetricsAsJSON()) {
      expect(name).to.match(/^millrace_[a-z0-9_]+$/);
      expect(name.endsWith('_total'), name).to.equal(String(type) === 'counter');
      expect(name).not.to.match(/_(ms|milliseconds|kb|mb)(_|$)/);
      expect(help).to.match(/\.$/);
    }
  });

  it('do not grow from one scrape to the next, and counters never fall', async () => {
    collectMetrics(runtime, register);
    const ref = runtime.spawn(errandRunner());
    await ref.run({});
    const before = valuesIn(await register.metrics());
    await ref.run({});
    const after = valuesIn(await register.metrics());
    expect([...after.keys()]).to.deep.equal([...before.keys()]);
    for (const [name, value] of after) {
      if (/_total|_bucket|_count/.test(name)) expect(value, name).to.be.at.least(before.get(name) ?? 0);
    }
    const asks = 'millrace_asks_total{partition="0"}';
    expect(after.get(asks)).to.be.greaterThan(before.get(asks) ?? 0);
  });

  it('take a prefix of their own, and one registry for several runtimes', async () => {
    const other = await executor.start({ node: 'node-1', controlPlane: runtime.controlPlane });
    collectMetrics(runtime, register);
    collectMetrics(other, register, { prefix: 'other_' });
    const values = valuesIn(await register.metrics());
    expect(values.has('other_actors{partition="0"}')).to.equal(true);
    expect(values.has('millrace_actors{partition="0"}')).to.equal(true);
  });

  it('of several runtimes are told apart by their process, and what has stopped makes room', async () => {
    const other = await executor.start({ node: 'node-1', name: 'other' });
    const third = await executor.start({ node: 'node-2', name: 'other' });
    for (const each of [runtime, other, third, runtime]) collectMetrics(each, register);
    other.spawn(errandRunner());
    const values = valuesIn(await register.metrics());
    expect(values.get('millrace_actors{partition="0"}')).to.equal(runtime.metrics().partitions[0]?.actors);
    expect(values.get('millrace_actors{partition="0",process="other"}')).to.equal(
      other.metrics().partitions[0]?.actors,
    );
    expect(values.has('millrace_actors{partition="0",process="other-2"}')).to.equal(true);
    expect(values.has('millrace_pipelines_running{process="other"}')).to.equal(true);
    expect(values.has('millrace_ask_duration_seconds_count{partition="0",process="other"}')).to.equal(true);
    await other.stop();
    const successor = await executor.start({ node: 'node-3', name: 'successor' });
    collectMetrics(successor, register);
    const after = valuesIn(await register.metrics());
    expect([...after.keys()].some((name) => name.includes('process="other"'))).to.equal(false);
    expect(after.has('millrace_pipelines_running{process="successor"}')).to.equal(true);
  });

  it('can be read one at a time', async () => {
    collectMetrics(runtime, register);
    expect(await register.getSingleMetricAsString('millrace_actors')).to.include('partition="0"');
    expect(await register.getSingleMetricAsString('millrace_ask_duration_seconds')).to.include('_bucket{le="0.001"');
  });
});
