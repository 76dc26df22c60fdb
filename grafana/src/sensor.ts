/** "One sensor": each quantity of one sensor with its range; the curves of the start page lead here. */
import { dashboard, measuringAnnotations, sensorVariable, variable } from './board.ts';
import { sensorCourses, sensorTable } from './shared-panels.ts';

export const sensor = dashboard({
  uid: 'holdfast-sensor',
  title: 'One sensor',
  description: 'Each quantity of one sensor, with what lies between smallest and largest value.',
  from: 'now-24h',
  variables: [
    sensorVariable(false),
    variable({
      name: 'quantity',
      label: 'Quantities',
      description: 'The quantities that are shown: a panel for each',
      ask: {
        route: 'quantities',
        columns: { label: '__text', quantity: '__value' },
        params: { sensor: '${sensor}' },
      },
      several: true,
    }),
  ],
  annotations: measuringAnnotations(),
  sections: [
    { panels: [sensorTable([24, 4], '${sensor}').build()] },
    { title: 'Course', panels: [sensorCourses().build()] },
  ],
});
