// The arrows between the rooms of src/. They point one way only; ARCHITECTURE.md has the picture. Imports of types count
// as any other. Within a room the linter forbids circles of imports that carry more than types, and the rooms in `acyclic` have none at all.

const ground = [
  'abort-listeners',
  'errors',
  'millrace-error',
  'foreign',
  'gateway-limits',
  'limits',
  'deferred',
  'ring-queue',
  'recent-map',
  'persistent-map',
  'installation',
  'import-module',
  'option',
  'reserved-names',
  'named-file',
  'output-file',
  'held-file',
  'at-exit',
  'host-name',
  'well-formed',
  'cpu-list',
  'socket-address',
  'process-identity',
  'vendored',
];
const basics = [...ground, 'ids', 'scheduler', 'logging'];
const frames = [...basics, 'protocol'];
const messages = [...frames, 'options'];
const control = [...messages, 'actors/kernel', 'transport', 'actors/transport', 'cluster-store'];
const ports = [...control, 'actors/control-plane', 'actors/flow', 'descriptors'];
const values = [...ports, 'actors/pubsub'];
const running = [...values, 'actors/values', 'resources'];

/** What each room may import; a room that is not here may import nothing. */
const arrows = {
  'abort-listeners': [],
  'millrace-error': [],
  errors: ['millrace-error'],
  foreign: ['errors'],
  'gateway-limits': [],
  limits: ['gateway-limits'],
  deferred: [],
  'ring-queue': [],
  'recent-map': [],
  'persistent-map': [],
  installation: ['errors', 'foreign'],
  'import-module': ['errors', 'foreign'],
  option: ['well-formed'],
  'reserved-names': [],
  'named-file': ['errors', 'foreign'],
  'output-file': ['errors', 'foreign', 'held-file', 'at-exit'],
  'held-file': ['errors', 'foreign', 'process-identity'],
  'at-exit': [],
  'host-name': [],
  'well-formed': [],
  'cpu-list': ['errors'],
  'socket-address': ['errors', 'foreign', 'host-name'],
  'process-identity': ['foreign'],
  vendored: [],
  ids: ground,
  scheduler: ground,
  logging: ground,
  // The option table has the options of the transports, and the addresses of cluster stores.
  options: [...frames, 'transport', 'cluster-store'],
  protocol: basics,
  // Pages load it: of what it imports nothing may need Node.
  client: ['errors', 'limits', 'abort-listeners', 'ring-queue', 'recent-map', 'well-formed', 'scheduler', 'protocol'],
  codegen: ['errors', 'limits', 'foreign', 'installation', 'reserved-names', 'named-file'],
  'actors/kernel': messages,
  'cluster-store': basics,
  transport: frames,
  descriptors: [...messages, 'transport'],
  resources: [...messages, 'transport', 'descriptors'],
  'actors/flow': ground,
  'actors/transport': [...messages, 'actors/flow', 'actors/kernel', 'transport'],
  'actors/introspection': [...messages, 'actors/flow', 'actors/kernel', 'actors/transport', 'transport'],
  'actors/resilience': [...messages, 'actors/kernel'],
  'actors/control-plane': control,
  'actors/pubsub': ports,
  'actors/membership': [...messages, 'actors/kernel', 'actors/transport'],
  'actors/values': values,
  'actors/runtime': [...running, 'actors/introspection', 'actors/membership'],
  'actors/persistence': [...messages, 'actors/kernel'],
  'actors/nact': [...messages, 'actors/kernel', 'actors/persistence'],
  opentelemetry: [...messages, 'actors/kernel'],
  introspection: [...running, 'actors/runtime'],
  dashboard: [...running, 'actors/runtime', 'introspection'],
  prometheus: [...running, 'actors/runtime'],
  'actors/services': [...running, 'actors/runtime'],
  'actors/component': [...running, 'actors/runtime', 'actors/services'],
  'actors/governor': [...running, 'actors/runtime', 'actors/services', 'actors/component'],
  'actors/gateway': [...running, 'actors/runtime'],
  simulation: [...running, 'actors/runtime', 'actors/services', 'actors/component', 'actors/governor'],
  index: [...running, 'actors/resilience', 'actors/runtime', 'actors/services', 'actors/component', 'actors/governor'],
  testing: [...running, 'actors/runtime'],
  recording: [...running, 'actors/runtime', 'testing'],
  cli: [
    ...running,
    'recording',
    'actors/runtime',
    'actors/services',
    'actors/component',
    'actors/governor',
    'simulation',
    'introspection',
    'dashboard',
    'index',
    'codegen',
  ],
};

/** A room is a folder, or a file directly in src/. */
const pathOf = (room) => `^src/${room}(/|\\.ts$|\\.cjs$|\\.d\\.cts$)`;

const arrowRules = Object.entries(arrows).map(([room, allowed]) => ({
  name: `arrow-from-${room.replace('/', '-')}`,
  severity: 'error',
  comment: `${room} may import only: ${allowed.join(', ') || 'nothing'}.`,
  from: { path: pathOf(room) },
  to: { path: '^src/', pathNot: [room, ...allowed].map(pathOf) },
}));

// actors/ is no room itself: its folders are.
const roomOf = '^src/(actors/[^/]+|[^/]+)/';

/** Packages that only one place may know. */
const owners = {
  winston: '^src/logging/',
  'prom-client': '^src/prometheus/',
  '@opentelemetry': '^src/opentelemetry/',
  nact: '^src/actors/nact/',
  commander: '^src/cli/',
  koffi:
    '^src/(transport/ucx/|resources/native\\.ts$|descriptors/memory/system-memory\\.ts$|cluster-store/embedded/file-lock\\.ts$)',
  sax: '^src/resources/topology/',
  'classic-level': '^src/actors/persistence/level/',
  '@nats-io': '^src/cluster-store/nats/',
  jose: '^src/actors/gateway/',
  ws: '^src/transport/ws/',
  zeromq: '^src/transport/zmq/',
};

const ownerRules = Object.entries(owners).map(([name, path]) => ({
  name: `${name}-has-one-owner`,
  severity: 'error',
  from: { path: '^src/', pathNot: path },
  to: { path: `node_modules/${name}/` },
}));

/** Rooms whose files form no circle, imports of types included, but for pairs of files whose types describe one another. */
const acyclic = {
  'actors/kernel': [
    ['behavior', 'context'],
    ['actor-node', 'actor-tree'],
  ],
  'actors/nact': [['context', 'supervision']],
  'actors/transport': [],
};

const circleRules = Object.entries(acyclic).flatMap(([room, pairs]) => {
  const folder = `^src/${room}/`;
  const name = `no-circle-in-${room.replace('/', '-')}`;
  const comment =
    'The files of this room form no circle: put the types that several files need into a file of their own.';
  const pathsOfPairs = pairs.map((pair) => `${folder}(${pair.join('|')})\\.ts$`);
  return [
    {
      name,
      severity: 'error',
      comment,
      from: { path: folder, ...(pairs.length > 0 && { pathNot: pathsOfPairs }) },
      to: { circular: true },
    },
    ...pathsOfPairs.map((path) => ({
      name,
      severity: 'error',
      comment,
      from: { path },
      to: { circular: true, via: { pathNot: path } },
    })),
  ];
});

module.exports = {
  forbidden: [
    ...arrowRules,
    ...circleRules,
    ...ownerRules,
    {
      name: 'a-room-that-no-arrow-names',
      severity: 'error',
      comment: 'Give the room its place in `arrows`.',
      from: { path: '^src/', pathNot: Object.keys(arrows).map(pathOf) },
      to: {},
    },
    {
      name: 'only-through-index',
      severity: 'error',
      comment:
        "Another room's files are its own affair: import what its index.ts, or that of one of its folders, exports.",
      from: { path: roomOf },
      to: { path: roomOf, pathNot: ['^src/$1/', '/index\\.ts$', '^src/protocol/generated/'] },
    },
    {
      name: 'only-through-index-from-the-top',
      severity: 'error',
      from: { path: '^src/[^/]+\\.c?[jt]s$' },
      to: { path: roomOf, pathNot: ['/index\\.ts$', '^src/protocol/generated/'] },
    },
    {
      name: 'src-stands-alone',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(test|bench|examples|scripts|dist|build)/' },
    },
    {
      name: 'no-development-dependencies',
      severity: 'error',
      from: { path: '^src/' },
      // What only some users need is an optional peer, and installed here for development. The build copies the vendored ones.
      to: {
        dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'],
        dependencyTypesNot: ['npm-peer'],
        pathNot: 'node_modules/(winston|sax)/',
      },
    },
    {
      name: 'not-found',
      severity: 'error',
      // Made by the build; a check may come before it.
      from: { path: '^src/' },
      to: { couldNotResolve: true, pathNot: '/(generated|vendor)/' },
    },
  ],
  options: {
    parser: 'swc',
    tsPreCompilationDeps: 'specify',
    doNotFollow: { path: ['node_modules', '/generated/'] },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['types', 'import', 'node', 'default'],
      extensions: ['.ts', '.d.ts', '.js', '.json'],
    },
  },
};
