-- A row is one category and target with the newest day each feed knows of it.
-- key: category, target, feed
-- column target: price or demand
-- column last_day: the newest day
-- column days: days with a value
select category, target, feed, max(day) as last_day, count(*) as days
from known_days
group by category, target, feed
