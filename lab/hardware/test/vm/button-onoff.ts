import { testButton } from './button.ts';

testButton('sysfs', 'onoff');
