import { expect } from 'chai';
import { ConfigError } from '#src/errors.js';
import {
  configureLogging,
  dispatch,
  type Logger,
  LogLevel,
  type LogMsg,
  logNothing,
  logToConsole,
  query,
  type Ref,
  spawnStateless,
} from '#src/actors/nact/index.js';
import type { HasSystem } from '#src/actors/kernel/index.js';
import { until } from '../../support/until.js';
import { closeSystems, testSystem } from '../kernel/harness.js';

/** A system whose actors log to an engine that collects what it gets. */
function collecting() {
  const { system, scheduler } = testSystem();
  const got: LogMsg[] = [];
  configureLogging((parent) => spawnStateless(parent, (message: LogMsg) => void got.push(message), 'collector'))(
    system,
  );
  return { system, scheduler, got };
}

/** Spawns an actor that logs once, as `write` says. */
function logs(system: HasSystem, write: (log: Logger) => void, name?: string): void {
  dispatch(
    spawnStateless(system, (_message: string, ctx) => write(ctx.log), name),
    'log',
  );
}

describe("nact's logging", () => {
  afterEach(closeSystems);

  it('sends what actors log to the actor of the engine: who, when, and what', async () => {
    const { system, scheduler, got } = collecting();
    const nowMs = scheduler.epochMs + scheduler.now();
    logs(
      system,
      (log) => {
        for (const level of ['trace', 'debug', 'info', 'warn', 'error', 'critical'] as const) log[level](level);
        log.event('opened', { shop: 1 });
        log.metric('size', { bytes: 7 });
        log.exception(new Error('no such shop'));
      },
      'shop',
    );
    await until(() => got.length === 9);
    expect(
      got.flatMap((message) => (message.type === 'trace' ? [[message.level, message.message]] : [])),
    ).to.deep.equal([
      [LogLevel.TRACE, 'trace'],
      [LogLevel.DEBUG, 'debug'],
      [LogLevel.INFO, 'info'],
      [LogLevel.WARN, 'warn'],
      [LogLevel.ERROR, 'error'],
      [LogLevel.CRITICAL, 'critical'],
    ]);
    expect(got[6])
      .to.include({ type: 'event', name: 'opened' })
      .and.deep.include({ properties: { shop: 1 } });
    expect(got[7])
      .to.include({ type: 'metric', name: 'size' })
      .and.deep.include({ values: { bytes: 7 } });
    expect(got[8]).to.have.property('exception').that.includes({ message: 'no such shop' });
    for (const { actor, createdAt } of got) {
      expect(String((actor as unknown as { path: unknown }).path)).to.match(/\/\/shop$/);
      expect(createdAt.getTime()).to.be.within(nowMs - 1, nowMs + 60_000);
    }
  });

  it('prints to a console: the level, the path and the message; a method that it lacks is that of the level below', async () => {
    const { system } = testSystem();
    const lines: string[] = [];
    const print =
      (method: string) =>
      (text: string): void =>
        void lines.push(`${method} ${text}`);
    const consoleProxy = { log: print('log'), warn: print('warn') };
    configureLogging(logToConsole({ consoleProxy }))(system);
    logs(
      system,
      (log) => {
        log.info('open');
        log.critical('closed');
        log.event('opened', 1);
        log.exception(new Error('lost'));
      },
      'shop',
    );
    await until(() => lines.length === 4);
    expect(lines[0]).to.match(/^log \[INFO @ [^\]]+\] [^ ]+\/\/shop - open$/);
    expect(lines[1]).to.match(/^warn \[CRITICAL @ .* - closed$/);
    expect(lines[2]).to.match(/^log \[EVENT @ .* - opened: 1$/);
    expect(lines[3]).to.match(/^warn \[EXCEPTION @ .* - Error: lost$/);
  });

  it('formats lines as it is told', async () => {
    const { system } = testSystem();
    const lines: string[] = [];
    const formatter = ({ type }: LogMsg): string => `a ${type}`;
    configureLogging(
      logToConsole({ consoleProxy: { log: (text) => void lines.push(text) }, formatter, name: 'printer' }),
    )(system);
    logs(system, (log) => log.metric('size', 1));
    await until(() => lines.length === 1);
    expect(lines).to.deep.equal(['a metric']);
  });

  it('drops everything with logNothing, and logs to the runtime without an engine', async () => {
    const { system, log } = testSystem();
    const answered = async (name: string): Promise<void> => {
      const actor = spawnStateless(
        system,
        ({ sender }: { sender: Ref<string> }, ctx) => {
          ctx.log.warn(`by ${name}`);
          dispatch(sender, 'done');
        },
        name,
      );
      await query(actor, (sender: Ref<string>) => ({ sender }), 1_000);
    };
    await answered('before');
    configureLogging(logNothing)(system);
    await answered('after');
    const written = log.map(({ message }) => message);
    expect(written).to.include('by before').and.not.include('by after');
  });

  it('lets the engine log to the runtime, and not to itself', async () => {
    const { system, log } = testSystem();
    configureLogging((parent) =>
      spawnStateless(parent, (message: LogMsg, ctx) => ctx.log.warn(`got a ${message.type}`), 'loud'),
    )(system);
    logs(system, (log) => log.info('one'));
    await until(() => log.some(({ message }) => message === 'got a trace'));
    expect(log.filter(({ message }) => message === 'got a trace')).to.have.length(1);
  });

  it('refuses what is no engine, an engine without an actor, and what is no runtime', async () => {
    const { system } = testSystem();
    const plain = configureLogging as unknown as (engine: unknown) => (runtime: unknown) => void;
    expect(() => plain(undefined)).to.throw(ConfigError, 'a logging engine is a function');
    expect(() => plain(() => 7)(system)).to.throw(ConfigError, 'must give a reference');
    expect(() => plain(logNothing)({})).to.throw(ConfigError, 'is set for a runtime');
  });
});
