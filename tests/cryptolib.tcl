# cryptolib.tcl --
#
#	What the tests of the crypto classes have in common.  Sourced after
#	common.tcl:
#
#	kind SCRIPT		the first three words of the errorCode
#	newkey ?TYPE ?SIZE??	a new pkey, on P-256 if nothing else is said
#	newcert KEY ?ARG ...?	a self-signed x509 for it, see there
#	openssl WORD ...	runs openssl, and returns what it wrote to -out
#	opensslsays WORD ...	runs openssl, and returns what it said
#	der TAG PART ...	a value in DER
#	pbes2 N ?R P?		the algorithm of what a passphrase encrypts, which is
#				hashed N times; with R and P it is scrypt
#	damaged BYTES LOAD USE	whether a loader stands damaged bytes
#	probe SCRIPT ...	what a USE is made of
#	noise LOAD		and large ones that mean nothing

proc kind {script} {
    return [lrange [lindex [checkerr {uplevel 1 $script}] 1] 0 2]
}

proc newkey {args} {
    if {[llength $args] == 0} {
	set args {EC P-256}
    }
    set key [pyossl::pkey new]
    $key generate_key {*}$args
    return $key
}

# newcert key ?name? ?extension value ...? --
#	Signed with sha256, good for an hour.
proc newcert {key {name example} args} {
    set cert [pyossl::x509 new]
    foreach view [list [$cert get_subject] [$cert get_issuer]] {
	$view CN $name
	$view destroy
    }
    $cert set_version 2
    $cert set_serial_number 1
    $cert set_pubkey $key
    $cert gmtime_adj_notBefore 0
    $cert gmtime_adj_notAfter 3600
    foreach {type value} $args {
	set extension [pyossl::x509ext new $type 0 $value -subject $cert -issuer $cert]
	$cert add_extensions [list $extension]
	$extension destroy
    }
    $cert sign $key sha256
    return $cert
}

proc openssl {args} {
    set out [file join [tempdir] out]
    file delete $out
    exec -ignorestderr openssl {*}$args -out $out 2>[testfile openssl.log]
    return [plainlines [readfile $out]]
}

# opensslsays word ... --
#	All that it prints, an error of it included.
proc opensslsays {args} {
    return [string trim [lindex [runprogram openssl {*}$args] 1]]
}

# der tag ?part ...? --
#	A value with that tag (a number) around the parts, which are bytes.
proc der {tag args} {
    set body [join $args ""]
    set length [string length $body]
    if {$length < 128} {
	return [binary format cc $tag $length]$body
    } elseif {$length < 256} {
	return [binary format ccc $tag 0x81 $length]$body
    }
    return [binary format ccS $tag 0x82 $length]$body
}

# oid hex --
#	An OBJECT IDENTIFIER from the hexadecimal form of its contents.
proc oid {hex} {
    return [der 6 [binary format H* $hex]]
}

# number value -- an INTEGER below 2 to the 31.
proc number {value} {
    set hex [format %08x $value]
    regsub {^(00(?=[0-7]))+} $hex "" hex
    return [der 2 [binary decode hex $hex]]
}

proc pbes2 {n {r 0} {p 0}} {
    if {$r} {
	set derive [der 0x30 [oid 2b06010401da47040b] [der 0x30 [der 4 saltsalt] \
		[number $n] [number $r] [number $p]]]
    } else {
	set derive [der 0x30 [oid 2a864886f70d01050c] [der 0x30 [der 4 saltsalt] [number $n]]]
    }
    return [der 0x30 [oid 2a864886f70d01050d] [der 0x30 $derive \
	    [der 0x30 [oid 60864801650304012a] [der 4 [string repeat i 16]]]]]
}

# damaged bytes load use --
#	Loads the bytes ended at each place, with something behind them, and
#	with each byte changed, by the command prefix [load].  That has to be
#	an Error, or (where a byte was changed) an object that the command
#	prefix [use] can work with: there all errors have to be ours.  Returns
#	a list of what is wrong.
proc damaged {bytes load use} {
    set wrong {}
    set before [llength [info commands ::pyossl::*]]
    set length [string length $bytes]
    # A sanitizer takes its time: not everywhere, and one change each.
    set step [expr {[testConstraint fast] ? 1 : 3}]
    set masks [expr {[testConstraint fast] ? {0x01 0x20 0x80 0xff} : 0xff}]
    for {set i 0} {$i < $length} {incr i $step} {
	lappend wrong {*}[damagedOne "cut at $i" [string range $bytes 0 $i-1] \
		$load $use 0]
    }
    foreach more [list \0 $bytes "\n"] {
	lappend wrong {*}[damagedOne "with [string length $more] more" \
		$bytes$more $load $use 0]
    }
    binary scan $bytes cu* values
    for {set i 0} {$i < $length} {incr i $step} {
	foreach mask $masks {
	    set changed [binary format c* [lreplace $values $i $i \
		    [expr {[lindex $values $i] ^ $mask}]]]
	    lappend wrong {*}[damagedOne "byte $i ^ $mask" $changed $load \
		    $use 1]
	}
    }
    set after [llength [info commands ::pyossl::*]]
    if {$after != $before} {
	lappend wrong "left [expr {$after - $before}] objects"
    }
    return [lrange $wrong 0 9]
}

# probe script ... --
#	What a [use] is made of: runs the scripts in the caller's scope.  An
#	error of ours is an answer too, any other one is not.
proc probe {args} {
    foreach script $args {
	try {
	    uplevel 1 $script
	} trap {PYOSSL crypto} {} {
	}
    }
}

proc damagedOne {what bytes load use allowed} {
    set failed [catch {{*}$load $bytes} object options]
    if {[pyossl::Queued] ne ""} {
	return [list "$what: [pyossl::Queued] stays on OpenSSL's queue"]
    }
    if {$failed} {
	set code [dict get $options -errorcode]
	if {[lrange $code 0 2] ne {PYOSSL crypto Error}
		|| [llength [lindex $code 3]] == 0} {
	    return [list "$what: $code"]
	}
	return {}
    }
    set wrong {}
    if {!$allowed} {
	lappend wrong "$what: was loaded"
    } elseif {[catch {{*}$use $object} message options]} {
	set code [dict get $options -errorcode]
	if {[lrange $code 0 1] ne {PYOSSL crypto}} {
	    lappend wrong "$what: $message"
	}
    }
    $object destroy
    return $wrong
}

# noise load ?ms? --
#	Loads ten million bytes of several sorts; each has to be an Error, and
#	soon.  Returns a list of what is wrong.
proc noise {load {ms 10000}} {
    set wrong {}
    set size 10000000
    set head [binary format H* 30840098967a]
    foreach {what bytes} [list \
	    random [pyossl::rand bytes $size] \
	    zeros [string repeat \0 $size] \
	    "a sequence of random" $head[pyossl::rand bytes $size] \
	    "a sequence of zeros" $head[string repeat \0 $size] \
	    "nested sequences" [string repeat \x30\x80 [expr {$size / 2}]] \
	    "text" [string repeat "-----BEGIN\n" [expr {$size / 11}]]] {
	if {[catch {bounded $ms {lappend wrong {*}[damagedOne $what $bytes \
		$load list 0]}} message]} {
	    lappend wrong "$what: $message"
	}
    }
    return $wrong
}
