# Asks what there is: for each command what it prints, then a line of what it complains of and a line with its exit
# status, as one record that ends in NUL.
rest=$lists
while [ -n "$rest" ]; do
    {
        {
            said=0
            complaint=$( (listed) 2>&1 >&3 3>&-) || said=$?
        } 3>&1
        printf '\n%s\n%s' "$(printf '%s' "$complaint" | tr '\n' ' ')" "$said"
    } | tr '\000' '\001'
    printf '\0'
    skip
done
