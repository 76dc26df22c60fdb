/** Everything that runs in the VM, in this order; `HARDWARE_TESTS` picks groups by name. */
const GROUPS = {
  contract: () => import('../../../../startstopbutton/test/contract/gpio-line.test.ts'),
  lines: () => import('./lines.ts'),
  onoff: () => import('./button-onoff.ts'),
  gpiomon: () => import('./button-gpiomon.ts'),
  sensor: () => import('./sensor.ts'),
  chips: () => import('./chips.ts'),
  soak: () => import('./soak.ts'),
};

const wanted = (process.env['HARDWARE_TESTS'] ?? '').split(',').filter(Boolean);
for (const [name, load] of Object.entries(GROUPS)) {
  if (wanted.length === 0 || wanted.includes(name)) await load();
}
