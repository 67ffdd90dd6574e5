import { expect, it } from 'vitest';
import { Metrics } from './metrics.ts';
import { Tally } from './tally.ts';

function aTally(isGauge = false) {
  const metrics = new Metrics();
  const labels = ['provider', 'model'] as const;
  const name = isGauge ? 'aibridge_things' : 'aibridge_things_total';
  const tally = new Tally(metrics.meter, { name, description: 'Things', labels, isGauge });
  return { metrics, tally };
}

it('adds up by labels, and says so in the words of Prometheus', async () => {
  const { metrics, tally } = aTally();
  tally.add(1, ['anthropic', 'a']);
  tally.add(2, ['anthropic', 'a']);
  tally.add(5, ['anthropic', 'a "b"\\\n']);

  expect(await metrics.render()).toBe(
    [
      '# HELP aibridge_things_total Things',
      '# TYPE aibridge_things_total counter',
      'aibridge_things_total{provider="anthropic",model="a"} 3',
      'aibridge_things_total{provider="anthropic",model="a \\"b\\"\\\\\\n"} 5',
      '',
    ].join('\n'),
  );
  tally.add(1, ['anthropic', 'a']);
  expect(await metrics.render()).toContain('model="a"} 4\n');
});

it('goes down again where it counts what is', async () => {
  const { metrics, tally } = aTally(true);
  tally.add(1, ['anthropic', 'a']);
  tally.add(-1, ['anthropic', 'a']);

  expect(await metrics.render()).toContain(
    '# TYPE aibridge_things gauge\naibridge_things{provider="anthropic",model="a"} 0\n',
  );
});

it('counts all that exceeds its series together, and loses nothing', async () => {
  const { metrics, tally } = aTally();
  for (let index = 0; index < 6_000; index += 1) tally.add(1, ['anthropic', `m-${index}`]);

  const lines = (await metrics.render()).split('\n').filter((line) => line.includes('{'));
  expect(lines).toHaveLength(5_001);
  expect(lines).toContain('aibridge_things_total{provider="other",model="other"} 1000');
});
