# subject.tcl --
#
#	What is measured on the side of Tcl: one job of the benchmark, done with
#	this package or with the tls package.
#
#	tclsh subject.tcl PACKAGE CPUTIME-LIBRARY JOB ?-option value ...?
#
#	PACKAGE is pyossl, tls, or none. Ends with a line that is a dictionary:
#	cpu, wall (seconds), count, and what else the job has to tell. A server
#	prints "port N" first, and tells on each line of its input; "reset"
#	begins anew.

package require Tcl 8.6-

lassign $argv package library job
set options [dict merge {
    -how "" -port 0 -bytes 1048576 -count 1 -conns 1 -size 100 -cert "" -key ""
    -file "" -version 13 -buffersize 0 -resume 0 -threads 1 -index ""
} [lrange $argv 3 end]]
dict for {name value} $options {
    set opt($name) $value
}
if {$library ne ""} {
    load $library Cputime
}
if {$package ne "none"} {
    # Where the index has been read Tcl does not search for it.
    if {$opt(-index) ne ""} {
	set dir [file dirname $opt(-index)]
	source $opt(-index)
    }
    package require $package
}

proc started {} {
    set ::cpu0 [cputime]
    set ::wall0 [clock microseconds]
}

proc report {count args} {
    puts [dict create cpu [format %.6f [expr {[cputime] - $::cpu0}]] \
	wall [format %.6f [expr {([clock microseconds] - $::wall0) / 1e6}]] \
	count $count {*}$args]
    flush stdout
}

proc rss {} {
    set channel [open /proc/self/statm]
    set pages [lindex [read $channel] 1]
    close $channel
    return [expr {$pages * 4}]
}

#------------------------------------------------------------------------
# The two packages
#------------------------------------------------------------------------

proc versions {} {
    global opt
    return [list -tls1.2 [expr {$opt(-version) == 12}] \
	-tls1.3 [expr {$opt(-version) == 13}]]
}

proc client {} {
    global opt package
    if {$package eq "tls"} {
	set channel [tls::socket -require 0 -ssl3 0 -ssl2 0 -tls1 0 -tls1.1 0 \
	    {*}[versions] 127.0.0.1 $opt(-port)]
	tls::handshake $channel
    } else {
	set channel [pyossl::socket -request 0 -require 0 {*}[versions] \
	    127.0.0.1 $opt(-port)]
	pyossl::handshake $channel
    }
    chan configure $channel -translation binary
    if {$opt(-buffersize) > 0} {
	chan configure $channel -buffersize $opt(-buffersize)
    }
    return $channel
}

proc listener {args} {
    global opt package
    set common [list -certfile $opt(-cert) -keyfile $opt(-key) \
	-request 0 -require 0 {*}[versions] -myaddr 127.0.0.1]
    if {$package eq "tls"} {
	set channel [tls::socket -server accept -ssl3 0 -ssl2 0 -tls1 0 \
	    -tls1.1 0 {*}$common 0]
    } else {
	set channel [pyossl::socket -server accept {*}$common {*}$args 0]
    }
    return $channel
}

#------------------------------------------------------------------------
# Jobs of a client
#------------------------------------------------------------------------

proc job.send {} {
    global opt
    set channel [client]
    set data [string repeat x 65536]
    started
    if {$opt(-how) eq "puts"} {
	for {set left $opt(-bytes)} {$left >= 65536} {incr left -65536} {
	    puts -nonewline $channel $data
	}
	puts -nonewline $channel [string range $data 1 $left]
    } else {
	set file [open /dev/zero rb]
	fcopy $file $channel -size $opt(-bytes)
    }
    # All has been sent when the peer closes.
    if {$::package eq "tls"} {
	flush $channel
	close $channel
    } else {
	close $channel write
	read $channel
    }
    report $opt(-bytes)
}

proc job.recv {} {
    global opt
    set channel [client]
    set ::got 0
    started
    switch -- $opt(-how) {
	read {
	    while {![eof $channel]} {
		incr ::got [string length [read $channel 65536]]
	    }
	}
	fcopy {
	    set file [open /dev/null wb]
	    set ::got [fcopy $channel $file]
	    close $file
	}
	event {
	    chan configure $channel -blocking 0
	    chan event $channel readable [list receive $channel]
	    vwait ::done
	}
    }
    if {$::got != $opt(-bytes)} {
	error "not all bytes came: $::got"
    }
    report $::got
}

proc receive {channel} {
    incr ::got [string length [read $channel]]
    if {[eof $channel]} {
	set ::done 1
    }
}

proc job.rt {} {
    global opt
    set channel [client]
    chan configure $channel -buffering none
    set data [string repeat x $opt(-size)]
    if {$opt(-how) eq "event"} {
	chan configure $channel -blocking 0
	set ::left $opt(-count)
	set ::got 0
	chan event $channel readable [list answer $channel $data]
	started
	puts -nonewline $channel $data
	vwait ::done
    } else {
	started
	for {set i 0} {$i < $opt(-count)} {incr i} {
	    puts -nonewline $channel $data
	    if {[string length [read $channel $opt(-size)]] != $opt(-size)} {
		error "the answer is too short"
	    }
	}
    }
    report $opt(-count)
}

proc answer {channel data} {
    global got left
    incr got [string length [read $channel]]
    if {$got >= [string length $data]} {
	set got 0
	if {[incr left -1] > 0} {
	    puts -nonewline $channel $data
	} else {
	    set ::done 1
	}
    } elseif {[eof $channel]} {
	error "the server has closed"
    }
}

#------------------------------------------------------------------------
# The server
#------------------------------------------------------------------------

proc job.serve {} {
    set ::served 0
    set channel [listener {*}[expr {[info exists ::workers]
	? {-notify connected} : {}}]]
    puts "port [lindex [chan configure $channel -sockname] 2]"
    flush stdout
    chan configure stdin -buffering line
    chan event stdin readable command
    started
    vwait ::done
}

proc command {} {
    if {[gets stdin line] < 0} {
	set ::done 1
    } else {
	if {$line eq "reset"} {
	    started
	    set ::served 0
	}
	report $::served rss [rss]
    }
}

proc accept {channel host port} {
    incr ::served
    chan configure $channel -blocking 0 -translation binary -buffering none
    chan event $channel readable [list echo $channel]
}

proc echo {channel} {
    if {[catch {read $channel} data] || [eof $channel]} {
	catch {close $channel}
    } elseif {[string length $data]} {
	puts -nonewline $channel $data
    }
}

# The same on -threads threads: this one accepts, the others do the rest.
proc job.pool {} {
    global opt
    package require Thread
    set ::workers {}
    for {set i 0} {$i < $opt(-threads)} {incr i} {
	lappend ::workers [thread::create [string cat \
	    [list set auto_path $::auto_path] \n \
	    {package require pyossl} \n \
	    [list proc accept [info args accept] [info body accept]] \n \
	    [list proc echo [info args echo] [info body echo]] \n \
	    {set served 0; thread::wait}]]
    }
    rename accept served
    proc accept {channel host port} {
	after 0 [list give $channel $host $port]
    }
    job.serve
}

proc give {channel host port} {
    set worker [lindex $::workers [expr {
	[incr ::served] % [llength $::workers]}]]
    thread::transfer $worker $channel
    thread::send -async $worker [list accept $channel $host $port]
}

#------------------------------------------------------------------------
# Without a network
#------------------------------------------------------------------------

proc job.memory {} {
    global opt
    set server [pyossl::ctx new TLS_SERVER_METHOD]
    $server use_certificate_chain_file $opt(-cert)
    $server use_privatekey_file $opt(-key)
    set client [pyossl::ctx new TLS_CLIENT_METHOD]
    foreach ctx [list $server $client] {
	$ctx set_ciphersuites TLS_AES_128_GCM_SHA256
	$ctx set_min_proto_version TLSv1.3
    }
    started
    for {set i 0} {$i < $opt(-count)} {incr i} {
	set c [pyossl::conn new $client]
	set s [pyossl::conn new $server]
	$c set_connect_state
	$s set_accept_state
	step $c
	$s bio_write [$c bio_read 65536]
	step $s
	$c bio_write [$s bio_read 65536]
	$c do_handshake
	$s bio_write [$c bio_read 65536]
	$s do_handshake
	$c destroy
	$s destroy
    }
    report $opt(-count)
}

proc step {conn} {
    try {
	$conn do_handshake
    } trap {PYOSSL SSL WantReadError} {} {
    }
}

proc contents {path} {
    set channel [open $path rb]
    try {
	return [read $channel]
    } finally {
	close $channel
    }
}

proc job.certs {} {
    global opt
    set data [contents $opt(-file)]
    set type [expr {$opt(-how) eq "der" ? "ASN1" : "PEM"}]
    started
    for {set i 0} {$i < $opt(-count)} {incr i} {
	set x [pyossl::load_certificate $type $data]
	set name [$x get_subject]
	$name commonName
	$name destroy
	set name [$x get_issuer]
	$name commonName
	$name destroy
	$x get_serial_number
	$x get_notAfter
	$x digest sha256
	$x destroy
    }
    report $opt(-count)
}

proc job.keys {} {
    global opt
    started
    for {set i 0} {$i < $opt(-count)} {incr i} {
	set key [pyossl::pkey new]
	$key generate_key EC P-256
	$key destroy
    }
    report $opt(-count)
}

proc job.sign {} {
    global opt
    set key [pyossl::load_privatekey PEM [contents $opt(-key)]]
    set data [string repeat x 1000]
    started
    for {set i 0} {$i < $opt(-count)} {incr i} {
	pyossl::sign $key $data sha256
    }
    report $opt(-count)
}

proc job.verify {} {
    global opt
    set key [pyossl::load_privatekey PEM [contents $opt(-key)]]
    set cert [pyossl::load_certificate PEM [contents $opt(-cert)]]
    set data [string repeat x 1000]
    set signature [pyossl::sign $key $data sha256]
    started
    for {set i 0} {$i < $opt(-count)} {incr i} {
	pyossl::verify $cert $signature $data sha256
    }
    report $opt(-count)
}

proc job.crl {} {
    global opt
    set data [contents $opt(-file)]
    started
    set crl [pyossl::load_crl PEM $data]
    set count 0
    foreach revoked [$crl get_revoked] {
	$revoked get_serial
	$revoked destroy
	incr count
    }
    report $count
}

# The context of a client that trusts the authorities of a file, as each
# [pyossl::socket] needs one.
proc job.trust {} {
    global opt
    set listener [socket -server list -myaddr 127.0.0.1 0]
    set port [lindex [chan configure $listener -sockname] 2]
    started
    for {set i 0} {$i < $opt(-count)} {incr i} {
	close [pyossl::socket -async -cafile $opt(-file) 127.0.0.1 $port]
    }
    report $opt(-count)
}

# -conns pairs of endpoints in memory, all awaited by one [expect]; then -count
# messages on one after the other of them.
proc job.expect {} {
    global opt
    package require pyossl::expect
    pyossl::expect::log_user 0
    set all {}
    set clients {}
    for {set i 0} {$i < $opt(-conns)} {incr i} {
	lassign [pyossl::expect::spawn -noecho pair] client server
	lappend clients $client
	lappend all $client $server
	pyossl::expect::expect -timeout 10 -i $client -established {} timeout {
	    error "no handshake"
	}
    }
    started
    for {set i 0} {$i < $opt(-count)} {incr i} {
	pyossl::expect::send -i [lindex $clients [expr {$i % $opt(-conns)}]] \
	    "message $i\n"
	pyossl::expect::expect -timeout 10 -i $all "message $i\n" {
	    set got 1
	} timeout {
	    error "message $i did not come"
	}
    }
    report $opt(-count)
}

# Prints how long a bare tclsh and [package require] take: nothing else does.
proc job.none {} {
    report 1
}

if {$library eq ""} {
    exit 0
}
job.$job
