-- A row is one category and target with the newest day each feed knows of it.
-- key: category, target, feed
-- column target: price or demand
-- column last_day: the newest day
-- column days: days with a value
select category, 'price' as target, feed, max(day) as last_day, count(distinct day) as days
from market_prices
group by category, feed
union all
select category, 'demand' as target, feed, max(day) as last_day, count(distinct day) as days
from sales
group by category, feed
