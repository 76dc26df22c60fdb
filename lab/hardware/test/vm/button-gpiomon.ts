import { testButton } from './button.ts';

testButton('chardev', 'gpiomon');
