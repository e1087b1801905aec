# 06filters.tcl -- how do both ends bear a bad wire?
#
#	pyosslsh 06filters.tcl
#
#	Between a client and a server of this process stands a wire that loses,
#	doubles, swaps, changes and cuts records.  TLS must notice all of it but the
#	cutting, which is allowed.

log_user 0
set bad 0
foreach {filter wanted} {
    {fragment 50}	established
    coalesce		established
    {drop 1}		failed
    {corrupt 2 end 1}	failed
    {duplicate 2}	failed
    {swap 2 3}		failed
    {truncate 1}	failed
} {
    lassign [spawn pair -client {-tls1.3 0}] client server
    wire $server out $filter
    expect -i $client -timeout 5 -established {
	set got established
    } -error * {
	set got failed
    } eof {
	set got ended
    } timeout {
	set got silent
    }
    puts "[format %-20s $filter] $got[expr {$got eq $wanted ? "" : ", expected $wanted"}]"
    incr bad [expr {$got ne $wanted}]
    exp_close -i $client
    exp_close -i $server
}
exit [expr {$bad > 0}]
