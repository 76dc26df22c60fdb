/** "One sensor": each quantity of one sensor with its range; the curves of the start page lead here. */
import { dashboard, measuringAnnotations, quantityVariable, sensorVariable } from './board.ts';
import { sensorCourses, sensorTable } from './shared-panels.ts';

export const sensor = dashboard({
  uid: 'holdfast-sensor',
  title: 'One sensor',
  description: 'Each quantity of one sensor, with what lies between smallest and largest value.',
  from: 'now-24h',
  variables: [sensorVariable(false), quantityVariable('${sensor}')],
  annotations: measuringAnnotations(),
  sections: [
    { panels: [sensorTable([24, 4], '${sensor}').build()] },
    { title: 'Course', panels: [sensorCourses().build()] },
  ],
});
