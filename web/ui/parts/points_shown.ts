// In words: how many of a machine's recovery points are shown.
import * as format from '../format';
import { text } from '../text';

export function pointsShown(count: number, isAll: boolean): string {
  return isAll ? text.point.allShown(format.count(count), count === 1) : text.point.newestShown(format.count(count));
}
