// The order of the house: a layer imports only from layers above it in this list.
const layers = [
  'mcu',
  'input',
  'heaps',
  'costs',
  'kernel',
  'targets',
  'scenario',
  'traces',
  'simulation',
  'inspect',
  'studies',
  'report',
  'cli',
];

module.exports = {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    ...layers.slice(0, -1).map((layer, index) => ({
      name: `${layer}-imports-downwards`,
      comment: `${layer} may import only ${layers.slice(0, index).join(', ') || 'nothing of ours'}`,
      severity: 'error',
      from: { path: `^src/${layer}/` },
      to: { path: `^src/(${layers.slice(index + 1).join('|')})/` },
    })),
    {
      name: 'mcu-knows-nobody',
      severity: 'error',
      from: { path: '^src/mcu/' },
      to: { path: '^src/(?!mcu/)' },
    },
    {
      name: 'heaps-know-only-the-machine',
      severity: 'error',
      from: { path: '^src/heaps/' },
      to: { path: '^src/(?!mcu/|heaps/)' },
    },
    {
      name: 'kernel-knows-no-heap-by-name',
      severity: 'error',
      from: { path: '^src/kernel/' },
      to: { path: '^src/(?!mcu/|kernel/|heaps/(heap|handle-heap)\\.ts)' },
    },
    {
      name: 'only-cli-reads-arguments',
      severity: 'error',
      from: { path: '^src/(?!cli/)' },
      to: { path: 'node_modules/commander/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
  },
};
