-- A row is a day of which a feed knows something of a category and target.
-- key: category, target, feed, day
-- part: year of day
-- column target: price or demand
-- column facts: rows that say so
select category, 'price' as target, feed, day, count(*) as facts
from market_prices
group by category, feed, day
union all
select category, 'demand' as target, feed, day, count(*) as facts
from sales
group by category, feed, day
