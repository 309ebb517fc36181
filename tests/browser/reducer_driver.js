// Runs each order of messages through the reducer and returns the distinct results. A regression is an item shown at
// a version lower than one shown before, in the same log.
async ([messages, orders]) => {
  const { INITIAL_STATE, reduce } = await import("/scripts/state/state.js");
  const { currentItems } = await import("/scripts/state/stock.js");

  const shownBy = ({ stock }) => [...currentItems(stock).values()].map(({ id, quantity, version }) => [id, quantity, version]);

  function run(order) {
    const newest = new Map();
    let state = INITIAL_STATE;
    let regressions = 0;
    for (const message of order.map((place) => messages[place])) {
      state = reduce(state, message);
      if (message.type === "reset") newest.clear();
      for (const [id, , version] of state.stock.isComplete ? shownBy(state) : []) {
        if (version < (newest.get(id) ?? 0)) regressions += 1;
        newest.set(id, version);
      }
    }
    const items = shownBy(state).sort(([a], [b]) => a - b);
    const { isComplete, reached } = state.stock;
    return { items, isComplete, reached, regressions };
  }

  return [...new Set(orders.map((order) => JSON.stringify(run(order))))].map((end) => JSON.parse(end));
}
