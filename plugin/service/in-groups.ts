/** Does something for each item, so many at a time. @returns The results, in the order of the items. */
export async function inGroups<Item, Result> (
  items: readonly Item[], atOnce: number, task: (item: Item) => Promise<Result>
): Promise<Result[]> {
  const results: Result[] = []
  for (let start = 0; start < items.length; start += atOnce) {
    results.push(...await Promise.all(items.slice(start, start + atOnce).map(task)))
  }
  return results
}
